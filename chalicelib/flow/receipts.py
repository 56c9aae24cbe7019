"""7. Add what providers report to the ledger, in any order, any number of times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from chalicelib import observability
from chalicelib.domain import channel_options, contacts, elements
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.messages import Message, Retention
from chalicelib.domain.plans import ChunkId, Plan
from chalicelib.domain.provider_io import Receipt, ReceiptKind, Reply
from chalicelib.domain.users import Suppression
from chalicelib.flow import bounces, matching, parts, provider_ids, suppressions
from chalicelib.flow.messages import read_together
from chalicelib.flow.suppressions import ContactFeedback
from chalicelib.observability import log
from chalicelib.ports import Lookup, World

MAX_INDEXES = 64  # of chunks, kept in memory since receipts come in many posts

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


def record(world: World, code: str, receipts: Sequence[Receipt]) -> None:
    """Add receipts as facts.

    A receipt whose submission is not recorded yet is parked. The worker that records the
    submission adds it.
    """
    record_of_account(world, [code], receipts)


def record_of_account(world: World, codes: Sequence[str], receipts: Sequence[Receipt]) -> None:
    """Add receipts of an account over which several delivery channels send.

    Each belongs to the channel that knows its id. One that none knows yet is parked for all.
    """
    if not receipts:
        return
    receipts = [provider_ids.of_receipt(world.vault, receipt) for receipt in receipts]
    matches, unmatched = matching.match(world, codes, receipts)
    for code, (known, lookups) in matches.items():
        provider_ids.report_unknown(code, [*known, *unmatched])
        _add(world, code, parts.whole(world, code, known, lookups), lookups)


def record_parked(world: World, submitted: Mapping[str, Sequence[str]]) -> None:
    """Add receipts that came before these ids of submissions were known, by channel.

    Receipts that no worker adds within a day belong to another system.
    """
    for code, receipts in matching.parked(world, submitted).items():
        observability.metric("receipts_matched", len(receipts))
        record(world, code, receipts)


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
    world: World, code: str, receipts: Iterable[Receipt], lookups: Mapping[str, Lookup]
) -> None:
    """Add facts first, which some providers tell only once, then what they say of contacts."""
    by_chunk: dict[ChunkId, list[Receipt]] = {}
    bundles: list[tuple[ChunkId, Sequence[Fact], Retention]] = []
    for receipt in receipts:
        timed = receipt if receipt.time else replace(receipt, time=world.clock.now())
        by_chunk.setdefault(lookups[receipt.provider_id].chunk, []).append(timed)
    feedback: list[ContactFeedback] = []
    counted = bounces.Bounces(world, code)
    retentions = {at: _direct(of_chunk, lookups) for at, of_chunk in by_chunk.items()}
    messages = _messages(world, [at for at, retention in retentions.items() if retention is None])
    plans = world.ledger.plans(messages) if messages else {}
    for at, of_chunk in by_chunk.items():
        retention = retentions[at]
        if retention is not None:
            facts: list[Fact] = []
            for receipt in of_chunk:
                facts += _facts_of_ref(code, receipt, lookups[receipt.provider_id])
            bundles.append((at, facts, retention))
        else:
            known = messages.get(at), plans.get(at)
            planned, said = _with_plan(code, at, of_chunk, lookups, counted, *known)
            bundles += planned
            feedback += said
    world.ledger.add_all(bundles)
    suppressions.apply_feedback(world, [*feedback, *counted.follow()])


def _messages(world: World, chunks: Sequence[ChunkId]) -> Mapping[ChunkId, Message]:
    """Return the messages of chunks whose history has not expired."""
    if not chunks:
        return {}
    known, _ = read_together(world, [at.msgid for at in chunks]) or ({}, {})
    messages = {at: known.get(at.msgid) or world.messages.get(at.msgid) for at in chunks}
    return {at: message for at, message in messages.items() if message is not None}


def _direct(receipts: Sequence[Receipt], lookups: Mapping[str, Lookup]) -> Retention | None:
    """Return the retention of facts that need neither message nor plan.

    None: a receipt says something of its contact, or names its delivery by the contact only.
    """
    if any(map(_tells_of_contact, receipts)):
        return None
    retentions = {lookups[receipt.provider_id].retention for receipt in receipts}
    return retentions.pop() if len(retentions) == 1 else None


def _tells_of_contact(receipt: Receipt) -> bool:
    return receipt.undeliverable or receipt.soft or receipt.kind is ReceiptKind.COMPLAINED


def _with_plan(
    code: str,
    at: ChunkId,
    receipts: Sequence[Receipt],
    lookups: Mapping[str, Lookup],
    counted: bounces.Bounces,
    message: Message | None,
    plan: Plan | None,
) -> tuple[list[tuple[ChunkId, Sequence[Fact], Retention]], list[ContactFeedback]]:
    """Return the facts of a chunk's receipts, and what they say of the contacts."""
    if message is None or plan is None:  # its history has expired
        log.info("receipts_too_late", extra={"msgid": at.msgid, "receipts": len(receipts)})
        return [], []
    facts: list[Fact] = []
    feedback: list[ContactFeedback] = []
    for receipt in receipts:
        lookup = lookups[receipt.provider_id]
        reported = list(_facts(plan, code, message.channels[code], receipt, lookup))
        facts += reported
        feedback += _feedback(message, plan, receipt, reported)
        counted.note(message, plan, receipt, reported)
    return [(at, facts, message.retention)], feedback


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
    plan: Plan, code: str, kind: ChannelType, receipt: Receipt, lookup: Lookup
) -> Iterator[Fact]:
    if lookup.ref is not None:
        yield from _facts_of_ref(code, receipt, lookup)
        return
    element, identity = (
        elements.code_of(code, lookup.element),
        contacts.identity(kind, receipt.contact),
    )
    index = _refs_by_contact(plan, element, kind)
    for ref in index.get(identity) or index.get(identity.lower(), ()):
        yield _fact(ref, receipt)


def _facts_of_ref(code: str, receipt: Receipt, lookup: Lookup) -> Iterator[Fact]:
    """Yield the fact of a receipt whose id leads to one delivery."""
    if lookup.ref is not None:
        target, contact = lookup.ref
        yield _fact(DeliveryRef(target, elements.code_of(code, lookup.element), contact), receipt)


def _fact(ref: DeliveryRef, receipt: Receipt) -> Fact:
    return Fact(ref, _FACTS[receipt.kind], receipt.time, receipt.code, "receipt")


_indexes: dict[tuple[ChunkId, str, int], Mapping[str, Sequence[DeliveryRef]]] = {}


def _refs_by_contact(
    plan: Plan, code: str, kind: ChannelType
) -> Mapping[str, Sequence[DeliveryRef]]:
    """Return identity of a contact -> deliveries of a chunk on a channel.

    Identities are also there in lower case, unless another contact is written so. Some providers
    name contacts in a case of their own.
    """
    key = (plan.id, code, plan.time)
    if key not in _indexes:
        index: dict[str, list[DeliveryRef]] = {}
        for target, chosen in enumerate(plan.contacts):
            for n, contact in enumerate(chosen.get(code, ())):
                identity = contacts.identity(kind, contact)
                index.setdefault(identity, []).append(DeliveryRef(target, code, n))
        index = {**{identity.lower(): refs for identity, refs in index.items()}, **index}
        while len(_indexes) >= MAX_INDEXES:
            del _indexes[next(iter(_indexes))]
        _indexes[key] = index
    return _indexes[key]
