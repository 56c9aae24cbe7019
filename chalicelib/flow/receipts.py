"""7. Add what providers report to the ledger, in any order, any number of times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from chalicelib import observability
from chalicelib.domain import channel_options, elements
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.messages import Message, Retention
from chalicelib.domain.plans import ChunkId, Plan
from chalicelib.domain.provider_io import (
    Receipt,
    ReceiptKind,
    Reply,
    derived_name,
    reported_name,
)
from chalicelib.domain.users import Suppression
from chalicelib.flow import bounces, by_contact, nonces, parts, provider_ids, suppressions
from chalicelib.flow.content import references
from chalicelib.flow.messages import read_together
from chalicelib.flow.suppressions import ContactFeedback
from chalicelib.observability import log
from chalicelib.ports import Lookup, Nonce, World

PARKED_SECONDS = 86400

_FACTS = {
    ReceiptKind.DELIVERED: FactKind.DELIVERED,
    ReceiptKind.DELIVERY_FAILED: FactKind.DELIVERY_FAILED,
    ReceiptKind.CLICKED: FactKind.CLICKED,
    ReceiptKind.BOUNCED: FactKind.BOUNCED,
    ReceiptKind.COMPLAINED: FactKind.COMPLAINED,
    ReceiptKind.OTHER: FactKind.OTHER,
}
_ARRIVED = (ReceiptKind.DELIVERED, ReceiptKind.CLICKED)


# -- receipts


def record(
    world: World, code: str, receipts: Sequence[Receipt], nonce: Nonce | None = None
) -> None:
    """Add receipts as facts, and use the nonce of their post.

    A receipt whose submission is not recorded yet is parked. The worker that records the
    submission adds it.
    """
    if not receipts:
        return
    receipts = [provider_ids.of_receipt(world.vault, receipt) for receipt in receipts]
    receipts = _with_derived_ids(world, code, receipts)
    lookups = _lookups(world, code, receipts, nonce)
    provider_ids.report_unknown(code, receipts)
    known = [receipt for receipt in receipts if receipt.provider_id in lookups]
    _add(world, code, parts.whole(world, code, known, lookups), lookups, nonce)


def _lookups(
    world: World, code: str, receipts: Sequence[Receipt], nonce: Nonce | None
) -> Mapping[str, Lookup]:
    """Return the lookups of these receipts, and park the receipts that have none."""
    named = tuple(dict.fromkeys(receipt.provider_id for receipt in receipts))
    lookups = references.lookups(world.vault, code, named)
    ids = tuple(id for id in named if id not in lookups)
    lookups |= nonces.lookups(world, code, ids, nonce)
    missing = {
        id: [receipt for receipt in receipts if receipt.provider_id == id]
        for id in ids
        if id not in lookups
    }
    if missing:
        world.lookups.park(code, missing, world.clock.now() // 1000 + PARKED_SECONDS)
        # A worker that wrote a lookup after our first reading has looked for parked receipts
        # before we parked ours.
        lookups.update(world.lookups.get(code, tuple(missing), fresh=True))
        parked = sum(len(of_id) for id, of_id in missing.items() if id not in lookups)
        log.info("receipts_parked", extra={"channel": code, "receipts": parked})
        observability.metric("receipts_parked", parked)
    return lookups


def _with_derived_ids(world: World, code: str, receipts: Sequence[Receipt]) -> Sequence[Receipt]:
    """Replace an id that nobody was told by the derived one, if a submission has it."""
    uncertain = {receipt.provider_id for receipt in receipts if receipt.may_be_derived}
    if not uncertain:
        return receipts
    missing = sorted(uncertain - world.lookups.get(code, sorted(uncertain)).keys())
    submitted = world.lookups.get(code, list(map(derived_name, missing))) if missing else {}
    by_id = {id: derived_name(id) for id in missing if derived_name(id) in submitted}
    return [
        replace(receipt, provider_id=by_id.get(receipt.provider_id, receipt.provider_id))
        if receipt.may_be_derived
        else receipt
        for receipt in receipts
    ]


def record_of_account(world: World, codes: Sequence[str], receipts: Sequence[Receipt]) -> None:
    """Add receipts of an account over which several delivery channels send.

    Each belongs to the channel that knows its id. One that none knows yet is parked for all.
    """
    left = [provider_ids.of_receipt(world.vault, receipt) for receipt in receipts]
    for code in codes if len(codes) > 1 and left else ():
        derived = _with_derived_ids(world, code, left)
        lookups = world.lookups.get(code, [receipt.provider_id for receipt in derived])
        record(world, code, [receipt for receipt in derived if receipt.provider_id in lookups])
        left = [
            receipt
            for receipt, other in zip(left, derived, strict=True)
            if other.provider_id not in lookups
        ]
    for code in codes:
        record(world, code, left)


def record_parked(world: World, provider_ids: Mapping[str, Sequence[str]]) -> None:
    """Add receipts that came before these ids were known, by channel.

    Receipts that no worker adds within a day belong to another system.
    """
    ids = {
        code: tuple(dict.fromkeys(map(reported_name, of_channel)))
        for code, of_channel in provider_ids.items()
    }
    for code, parked in world.lookups.parked_of(ids).items():
        observability.metric("receipts_matched", len(parked))
        record(world, code, parked)


# -- replies


def record_replies(world: World, code: str, replies: Sequence[Reply]) -> None:
    """Opt contacts out, or in again, as their replies ask.

    An opt-out is for all access channels that may use this delivery channel: a number does not
    tell them apart. Nothing else that people write is kept.
    """
    channel = world.settings.channel(code)
    if not replies or channel is None:
        return
    options = channel_options.of(channel.options)
    in_order = sorted(replies, key=lambda reply: reply.time)
    wishes = [(reply, options.wants_out(reply.text)) for reply in in_order]
    opted = [(reply, out) for reply, out in wishes if out is not None]
    fields = {"channel": code, "replies": len(replies), "opted": len(opted)}
    log.info("replies_received", extra=fields)
    observability.metric("replies_received", len(replies))
    for reply in in_order:
        if reply.shows_life:
            suppressions.record_life(world, channel.type, reply.contact, reply.time)
    if not opted:
        return
    senders = [access.key for access in world.settings.access_channels() if code in access.channels]
    for reply, out in opted:
        suppressions.set_opt_out(
            world, channel.type, reply.contact, senders, out=out, time=reply.time, code="reply"
        )


# -- facts


def _add(
    world: World,
    code: str,
    receipts: Iterable[Receipt],
    lookups: Mapping[str, Lookup],
    nonce: Nonce | None,
) -> None:
    """Add facts first, which some providers tell only once, then what they say of contacts."""
    by_chunk = _by_chunk(world, receipts, lookups)
    bundles: list[tuple[ChunkId, Sequence[Fact], Retention]] = []
    feedback: list[ContactFeedback] = []
    counted = bounces.Bounces(world, code)
    known = {at: _direct(world, code, of_chunk, lookups) for at, of_chunk in by_chunk.items()}
    messages = _messages(world, [at for at, direct in known.items() if direct is None])
    plans = world.ledger.plans(messages) if messages else {}
    for at, of_chunk in by_chunk.items():
        direct = known[at]
        if direct is not None:
            bundles.append((at, *direct))
        else:
            message, plan = messages.get(at), plans.get(at)
            if message is None or plan is None:  # its history has expired
                log.info("receipts_too_late", extra={"msgid": at.msgid, "receipts": len(of_chunk)})
                continue
            facts, said = _with_plan(world, code, message, plan, of_chunk, lookups, counted)
            bundles.append((at, facts, message.retention))
            feedback += said
    nonces.add(world, bundles, nonce)
    suppressions.apply_feedback(world, [*feedback, *counted.follow()])


def _by_chunk(
    world: World, receipts: Iterable[Receipt], lookups: Mapping[str, Lookup]
) -> Mapping[ChunkId, Sequence[Receipt]]:
    """Return the receipts of each chunk. One without a time gets that of now."""
    by_chunk: dict[ChunkId, list[Receipt]] = {}
    for receipt in receipts:
        timed = receipt if receipt.time else replace(receipt, time=world.clock.now())
        by_chunk.setdefault(lookups[receipt.provider_id].chunk, []).append(timed)
    return by_chunk


def _messages(world: World, chunks: Sequence[ChunkId]) -> Mapping[ChunkId, Message]:
    """Return the messages of chunks whose history has not expired."""
    if not chunks:
        return {}
    known, _ = read_together(world, [at.msgid for at in chunks]) or ({}, {})
    messages = {at: known.get(at.msgid) or world.messages.get(at.msgid) for at in chunks}
    return {at: message for at, message in messages.items() if message is not None}


def _direct(
    world: World, code: str, receipts: Sequence[Receipt], lookups: Mapping[str, Lookup]
) -> tuple[Sequence[Fact], Retention] | None:
    """Return the facts of a chunk that need neither message nor plan, and their retention.

    None: a receipt says something of its contact, or this container does not know its delivery.
    """
    retentions = {lookups[receipt.provider_id].retention for receipt in receipts}
    retention = retentions.pop() if len(retentions) == 1 else None
    if retention is None or any(map(_tells_of_contact, receipts)):
        return None
    facts: list[Fact] = []
    for receipt in receipts:
        lookup = lookups[receipt.provider_id]
        element = elements.code_of(code, lookup.element)
        ref = _ref(lookup, element) or world.contact_index.only(
            lookup.chunk, element, receipt.contact
        )
        if ref is None:
            return None
        facts.append(_fact(ref, receipt))
    return facts, retention


def _tells_of_contact(receipt: Receipt) -> bool:
    return receipt.undeliverable or receipt.soft or receipt.kind is ReceiptKind.COMPLAINED


def _with_plan(
    world: World,
    code: str,
    message: Message,
    plan: Plan,
    receipts: Sequence[Receipt],
    lookups: Mapping[str, Lookup],
    counted: bounces.Bounces,
) -> tuple[list[Fact], list[ContactFeedback]]:
    """Return the facts of a chunk's receipts, and what they say of the contacts."""
    facts: list[Fact] = []
    feedback: list[ContactFeedback] = []
    for receipt in receipts:
        lookup = lookups[receipt.provider_id]
        reported = list(_facts(world, plan, code, message.channels[code], receipt, lookup))
        if len(reported) > 1:
            reported = by_contact.of_call(world, message, plan, receipt, reported)
        facts += reported
        feedback += _feedback(message, plan, receipt, reported)
        counted.note(message, plan, receipt, reported)
    return facts, feedback


def _feedback(
    message: Message, plan: Plan, receipt: Receipt, facts: Iterable[Fact]
) -> Iterator[ContactFeedback]:
    """Yield what a receipt says of the contacts themselves."""
    for fact in facts:
        if receipt.undeliverable:
            dead = Suppression(receipt.code, receipt.time)
            yield ContactFeedback(message, plan, fact.ref, True, dead)
        elif receipt.kind in _ARRIVED and suppressions.is_undeliverable(plan, fact.ref):
            yield ContactFeedback(message, plan, fact.ref, False, Suppression("", receipt.time))


def _facts(
    world: World, plan: Plan, code: str, kind: ChannelType, receipt: Receipt, lookup: Lookup
) -> Iterator[Fact]:
    element = elements.code_of(code, lookup.element)
    ref = _ref(lookup, element)
    refs = [ref] if ref else world.contact_index.refs(plan, element, kind, receipt.contact)
    for ref in refs:
        yield _fact(ref, receipt)


def _ref(lookup: Lookup, element: str) -> DeliveryRef | None:
    """Return the delivery to which the id of a receipt leads by itself."""
    return DeliveryRef(lookup.ref[0], element, lookup.ref[1]) if lookup.ref else None


def _fact(ref: DeliveryRef, receipt: Receipt) -> Fact:
    return Fact(ref, _FACTS[receipt.kind], receipt.time, receipt.code, "receipt")
