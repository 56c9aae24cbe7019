"""7. Add what providers report to the ledger, in any order, any number of times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from chalicelib import observability
from chalicelib.domain import channel_options, elements
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.jobs import ReceiptsJob
from chalicelib.domain.messages import Message, Retention
from chalicelib.domain.plans import ChunkId, Plan
from chalicelib.domain.provider_io import Receipt, ReceiptKind, Reply
from chalicelib.domain.users import Suppression
from chalicelib.flow import bounces, by_contact, matching, nonces, parts, provider_ids, suppressions
from chalicelib.flow.messages import read_together
from chalicelib.flow.suppressions import ContactFeedback
from chalicelib.observability import log
from chalicelib.ports import Lookup, Nonce, World

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

    A receipt whose submission is not recorded yet is parked. A job adds it seconds later, or the
    worker that records the submission late.
    """
    record_of_account(world, [code], receipts, nonce)


def record_of_account(
    world: World, codes: Sequence[str], receipts: Sequence[Receipt], nonce: Nonce | None = None
) -> None:
    """Add receipts of an account over which several delivery channels send.

    Each belongs to the channel that knows its id. One that none knows yet is parked for all.
    """
    if not receipts:
        return
    receipts = [provider_ids.of_receipt(receipt) for receipt in receipts]
    matches, unmatched = matching.match(world, codes, receipts, nonce)
    try:
        for code, (known, lookups) in matches.items():
            provider_ids.report_unknown(code, [*known, *unmatched.receipts])
            _add(world, code, parts.whole(world, code, known, lookups), lookups, nonce)
    finally:
        world.queues.send(unmatched.jobs)


def look_again(world: World, job: ReceiptsJob) -> None:
    """Add parked receipts whose submission was recorded just after they came.

    The others stay parked. The worker of a submission that is recorded later looks for them.
    So does the worker of a large message.
    """
    known, lookups = matching.match_parked(world, job)
    if known:
        observability.metric("receipts_matched", len(known))
    small = [receipt for receipt in known if not _is_of_large_message(lookups[receipt.provider_id])]
    if small:
        _add(world, job.channel, parts.whole(world, job.channel, small, lookups), lookups, None)


def _is_of_large_message(lookup: Lookup) -> bool:
    return lookup.retention is not None and lookup.retention.counted


def record_parked(world: World, submitted: Mapping[str, Sequence[str]]) -> None:
    """Add receipts that came before these ids of submissions were known, by channel.

    Receipts that no worker adds within a day belong to another system.
    """
    for code, receipts in matching.parked(world, submitted).items():
        channel = world.settings.channel(code)
        if channel is None or not matching.looks_again(world, channel):
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
            dead = Suppression(fact.code, receipt.time)
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
        contact = plan.contact(ref) if plan.has(ref) else ""
        yield _fact(ref, replace(receipt, code=provider_ids.masked(receipt.code, contact)))


def _ref(lookup: Lookup, element: str) -> DeliveryRef | None:
    """Return the delivery to which the id of a receipt leads by itself."""
    return DeliveryRef(lookup.ref[0], element, lookup.ref[1]) if lookup.ref else None


def _fact(ref: DeliveryRef, receipt: Receipt) -> Fact:
    return Fact(ref, _FACTS[receipt.kind], receipt.time, receipt.code, "receipt")
