"""7. Add what providers report to the ledger, in any order, any number of times."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from chalicelib import observability
from chalicelib.domain import channel_options
from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.errors import NotFound, NotServed, Unverified
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.jobs import Question
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Plan
from chalicelib.domain.provider_io import (
    Receipt,
    ReceiptKind,
    Reply,
    Webhook,
    WebhookRequest,
    names_of,
)
from chalicelib.domain.users import Suppression
from chalicelib.flow import provider_query, suppressions
from chalicelib.flow.content import render
from chalicelib.flow.suppressions import ContactFeedback
from chalicelib.ports import Lookup, World

log = logging.getLogger("openums")

PARKED_SECONDS = 86400
PARTS_SECONDS = 3 * 86400  # for which the report of one part waits for those of the others
NONCE_SECONDS = 2 * 86400

_FACTS = {
    ReceiptKind.DELIVERED: FactKind.DELIVERED,
    ReceiptKind.DELIVERY_FAILED: FactKind.DELIVERY_FAILED,
    ReceiptKind.CLICKED: FactKind.CLICKED,
    ReceiptKind.OTHER: FactKind.OTHER,
}


def take_webhook(world: World, code: str, token: str, request: WebhookRequest) -> Webhook:
    """A provider's post: verify it, add its receipts, answer as the provider wants. When this raises, the provider posts again.

    Raises NotFound (no such channel or token), Unverified, or Invalid for a body that cannot be read.
    """
    channel = world.settings.channel(code)
    wanted = channel.webhook_token_hash if channel else "0" * 64
    if (
        not hmac.compare_digest(
            hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest(), wanted
        )
        or channel is None
    ):
        raise NotFound("webhook")
    channel, webhook = _read(world, channel, request)
    if webhook.nonce:
        digest = hashlib.sha256(request.body).hexdigest()
        if not world.lookups.use_nonce(
            channel.code, webhook.nonce, digest, request.now // 1000 + NONCE_SECONDS
        ):
            raise Unverified("the nonce was used with another body")
    for name, kept in webhook.kept.items():
        world.tokens.write(name, kept)
    if webhook.authorised is not None:
        _use(world, channel, webhook.authorised)
    record(world, channel.code, webhook.receipts)
    record_replies(world, channel.code, webhook.replies)
    return webhook


def _use(world: World, channel: Channel, authorised: str) -> None:
    """What proves an authorisation is good for minutes: whoever checks the connection turns it into what lasts."""
    whose = world.settings.channel(authorised) if authorised else channel
    if whose is None:
        log.warning("webhook_of_no_channel", extra={"channel": channel.code, "named": authorised})
        return
    with suppress(NotServed):  # the stage does not deliver on it
        provider_query.ask(world, whose, Question.CHECK)


def _read(world: World, channel: Channel, request: WebhookRequest) -> tuple[Channel, Webhook]:
    """The channel that a webhook is about: another one, which then has to verify it too, where several accounts share an address.

    Only those share one that are authorised by a chunk: others count on the token in their own.
    """
    webhook = _verified(world, channel, request)
    if webhook.channel in ("", channel.code):
        return channel, webhook
    other = world.settings.channel(webhook.channel)
    if other is None or not world.providers.of(other.platform).capabilities.authorisation:
        log.warning(
            "webhook_of_no_channel", extra={"channel": channel.code, "named": webhook.channel}
        )
        return channel, webhook
    return other, _verified(world, other, request)


def _verified(world: World, channel: Channel, request: WebhookRequest) -> Webhook:
    secret = world.credentials.open_webhook(channel.sealed_webhook)
    return world.providers.of(channel.platform).read_webhook(request, secret)


def record(world: World, code: str, receipts: Sequence[Receipt]) -> None:
    """Add receipts as facts. One whose submission is not recorded yet is parked, and found by who records it."""
    if not receipts:
        return
    ids = tuple(dict.fromkeys(r.provider_id for r in receipts))
    found = dict(world.lookups.get(code, ids))
    missing = {i: [r for r in receipts if r.provider_id == i] for i in ids if i not in found}
    if missing:
        world.lookups.park(code, missing, world.clock.now() // 1000 + PARKED_SECONDS)
        # Whoever wrote the lookup after our first reading has looked for parked receipts before we parked ours.
        found.update(world.lookups.get(code, tuple(missing), fresh=True))
        parked = sum(len(m) for i, m in missing.items() if i not in found)
        log.info("receipts_parked", extra={"channel": code, "receipts": parked})
        observability.metric("receipts_parked", parked)
    unknown = [r.code for r in receipts if r.kind is ReceiptKind.OTHER]
    if unknown:
        log.warning(
            "status_unknown",
            extra={"channel": code, "receipts": len(unknown), "codes": sorted(set(unknown))[:10]},
        )
        observability.metric("status_unknown", len(unknown))
    known = [r for r in receipts if r.provider_id in found]
    _add(world, code, _whole(world, code, known, found), found)


def _whole(
    world: World, code: str, receipts: Sequence[Receipt], found: Mapping[str, Lookup]
) -> Sequence[Receipt]:
    """A delivery that went in parts is delivered when each of them is, and failed when one is.

    Parts that were delivered are kept as parked receipts, under a name that is no provider's id: who adds the last one finds all.
    """
    partly = [r for r in receipts if r.kind is ReceiptKind.DELIVERED and found[r.provider_id].parts]
    if not partly:
        return receipts
    groups: dict[str, list[Receipt]] = {}
    for receipt in partly:
        groups.setdefault(_group(found[receipt.provider_id]), []).append(receipt)
    world.lookups.park(code, groups, world.clock.now() // 1000 + PARTS_SECONDS)
    times: dict[str, int] = {}
    for receipt in world.lookups.parked(code, tuple(groups)):
        times[receipt.provider_id] = min(receipt.time, times.get(receipt.provider_id, receipt.time))
    last = {group: _last(found[mine[0].provider_id], times) for group, mine in groups.items()}
    whole = [replace(groups[group][0], time=at) for group, at in last.items() if at is not None]
    return [*(r for r in receipts if r not in partly), *whole]


def _group(lookup: Lookup) -> str:
    return "parts " + lookup.parts[0]


def _last(lookup: Lookup, times: Mapping[str, int]) -> int | None:
    """When the last part was delivered; None while one is not. A name that two parts may go by is of one of them."""
    said = [{name for name in names_of(part) if name in times} for part in lookup.parts]
    if not all(said) or len(set().union(*said)) < len(said):
        return None
    return max(min(times[name] for name in names) for names in said)


def record_parked(world: World, code: str, provider_ids: Sequence[str]) -> None:
    """Receipts that came before these ids were known. What nobody asks for within a day was never ours."""
    parked = world.lookups.parked(code, provider_ids)
    if parked:
        observability.metric("receipts_matched", len(parked))
    record(world, code, parked)


def record_replies(world: World, code: str, replies: Sequence[Reply]) -> None:
    """Words to opt out, and in again, for all access channels that may use this delivery channel: a number says no more than that.

    Nothing else that people write is kept.
    """
    channel = world.settings.channel(code)
    if not replies or channel is None:
        return
    own = channel_options.of(channel.options)
    wanted = [
        (reply, out)
        for reply in sorted(replies, key=lambda r: r.time)
        if (out := own.wants_out(reply.text)) is not None
    ]
    log.info(
        "replies_received", extra={"channel": code, "replies": len(replies), "opted": len(wanted)}
    )
    observability.metric("replies_received", len(replies))
    if wanted:
        senders = [
            access.key for access in world.settings.access_channels() if code in access.channels
        ]
        for reply, out in wanted:
            suppressions.set_opt_out(
                world, channel.type, reply.contact, senders, out=out, time=reply.time, code="reply"
            )


def _add(world: World, code: str, receipts: Iterable[Receipt], found: Mapping[str, Lookup]) -> None:
    by_chunk: dict[ChunkId, list[Receipt]] = {}
    for receipt in receipts:
        told = receipt if receipt.time else replace(receipt, time=world.clock.now())
        by_chunk.setdefault(found[receipt.provider_id].chunk, []).append(told)
    bundles: list[tuple[ChunkId, Sequence[Fact], Message]] = []
    heard: list[ContactFeedback] = []
    for chunk, mine in by_chunk.items():
        message, plan = world.messages.get(chunk.msgid), world.ledger.plan(chunk)
        if message is None or plan is None:  # its history has expired
            log.info("receipts_too_late", extra={"msgid": chunk.msgid, "receipts": len(mine)})
            continue
        said = [
            (receipt, fact)
            for receipt in mine
            for fact in _facts(plan, code, receipt, found[receipt.provider_id])
        ]
        if said:
            bundles.append((chunk, [fact for _, fact in said], message))
            heard += [
                each for receipt, fact in said for each in _heard(message, plan, receipt, fact)
            ]
    world.ledger.add_all(bundles)
    suppressions.apply_feedback(
        world, heard
    )  # after the facts, which some providers tell only once


def _heard(message: Message, plan: Plan, receipt: Receipt, fact: Fact) -> Iterator[ContactFeedback]:
    """What a receipt says of the contact itself."""
    if receipt.undeliverable:
        yield ContactFeedback(
            message, plan, fact.ref, True, Suppression(receipt.code, receipt.time)
        )
    elif receipt.kind in (
        ReceiptKind.DELIVERED,
        ReceiptKind.CLICKED,
    ) and suppressions.is_undeliverable(plan, fact.ref):
        yield ContactFeedback(message, plan, fact.ref, False, Suppression("", receipt.time))


def _facts(plan: Plan, code: str, receipt: Receipt, lookup: Lookup) -> Iterator[Fact]:
    if lookup.ref is not None:
        refs: Sequence[DeliveryRef] = (DeliveryRef(lookup.ref[0], code, lookup.ref[1]),)
    else:
        known = _places(plan, code)
        refs = known.get(receipt.contact) or known.get(receipt.contact.lower(), ())
    for ref in refs:
        yield Fact(ref, _FACTS[receipt.kind], receipt.time, receipt.code, "receipt")


_index: dict[tuple[ChunkId, str, int], Mapping[str, Sequence[DeliveryRef]]] = {}


def _places(plan: Plan, code: str) -> Mapping[str, Sequence[DeliveryRef]]:
    """Contact -> deliveries of a chunk on a channel; the last chunks' are kept, since receipts come in many posts.

    Also in lower case, unless another contact is written so: some providers name contacts in a case of their own.
    """
    key = (plan.id, code, plan.time)
    if key not in _index:
        index: dict[str, list[DeliveryRef]] = {}
        for target, contacts in enumerate(plan.contacts):
            for n, contact in enumerate(contacts.get(code, ())):
                index.setdefault(contact, []).append(DeliveryRef(target, code, n))
        index = {**{contact.lower(): refs for contact, refs in index.items()}, **index}
        while len(_index) >= 64:
            del _index[next(iter(_index))]
        _index[key] = index
    return _index[key]


def follow_link(world: World, token: str, *, by_program: bool = False) -> str:
    """The address that a short link stands for, after its delivery's first click is counted. Raises NotFound.

    A program that looks at links is counted apart, and is no click.
    """
    link = render.read_link(world.vault, token)
    addresses = world.messages.links(link.chunk.msgid)
    if not addresses or link.variable >= len(addresses):
        raise NotFound("link")
    message, plan = world.messages.get(link.chunk.msgid), world.ledger.plan(link.chunk)
    if (
        message is not None and plan is not None
    ):  # else its history has expired, while its links live on
        ref = DeliveryRef(link.target, sorted(message.channels)[link.channel], link.contact)
        kind = FactKind.SCANNED if by_program else FactKind.CLICKED
        world.ledger.add_click(link.chunk, Fact(ref, kind, world.clock.now(), "", "link"), message)
    return addresses[sorted(addresses)[link.variable]]
