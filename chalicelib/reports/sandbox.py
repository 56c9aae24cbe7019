"""Simulated messages of the provider sandbox, with the message and target behind each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, Channel, ChannelType
from chalicelib.domain.errors import NotFound
from chalicelib.domain.plans import Plan
from chalicelib.domain.sandbox import Simulated, leads_there
from chalicelib.flow.content import references
from chalicelib.ports import Lookup, World

TOGETHER = 100  # names of one request: the id of a message on a delivery channel
REQUESTS = 20  # for lookups of an answer: 50 messages, each on any of 40 delivery channels

Name = tuple[str, str]  # delivery channel, id


class Origin(NamedTuple):
    """The message and the target behind a simulated message, empty if unknown."""

    msgid: str = ""
    target: str = ""


def url(world: World) -> str:
    """Return the sandbox's address. Raises NotFound where the deployment has none."""
    if not world.sandbox.url:
        raise NotFound("sandbox")
    return world.sandbox.url


def real_channels(world: World) -> list[Channel]:
    """Return the delivery channels that lead elsewhere than to the sandbox."""
    there = url(world)
    listed = world.records.of(DELIVERY_CHANNELS).list()
    return [each for each in listed if not leads_there(_address(world, each), there)]


def _address(world: World, channel: Channel) -> object:
    """Return the option that says where sends go, None without it: they go to the vendor."""
    try:
        name = world.providers.of(channel.platform).capabilities.address
    except KeyError:  # a platform that is not there any more
        return None
    return channel.options.get(name)


def newest(
    world: World,
    types: Collection[ChannelType],
    contacts: Collection[str],
    before: int,
    limit: int,
) -> list[tuple[Simulated, Origin]]:
    """Return messages that the sandbox took with their origins, newest first."""
    url(world)
    taken = world.sandbox.newest(types, contacts, before, limit)
    return list(zip(taken, _origins(world, taken), strict=True))


def contacts_of(world: World, userid: str) -> frozenset[str]:
    """Return the contacts of a user, of every scope and label. Raises NotFound."""
    user = world.users.get([userid]).get(userid)
    if user is None:
        raise NotFound("user")
    return frozenset(contact for _, contact in user.all_contacts)


def _origins(world: World, taken: Sequence[Simulated]) -> list[Origin]:
    """Return the origins, with a request for messages, one for plans, and some for lookups."""
    codes = _codes(world)
    names = [[(code, _id_of(each)) for code in _possible(each, codes)] for each in taken]
    known = _lookups(world, names)
    lookups = [next((known[name] for name in of if name in known), None) for of in names]
    msgids = dict.fromkeys(lookup.chunk.msgid for lookup in lookups if lookup)
    messages = world.recordings.read(list(msgids), [])[0] if msgids else {}
    plans = world.ledger.plans(
        {
            lookup.chunk: messages[lookup.chunk.msgid]
            for lookup in lookups
            if lookup and lookup.chunk.msgid in messages
        }
    )
    return [
        Origin(lookup.chunk.msgid, _target(plans.get(lookup.chunk), lookup, each.contact))
        if lookup
        else Origin()
        for lookup, each in zip(lookups, taken, strict=True)
    ]


def _codes(world: World) -> Mapping[tuple[ChannelType, str], Sequence[str]]:
    """Return all delivery channels by type and platform."""
    codes: dict[tuple[ChannelType, str], list[str]] = {}
    for channel in world.records.of(DELIVERY_CHANNELS).list():
        codes.setdefault((channel.type, channel.platform), []).append(channel.code)
    return codes


def _possible(
    each: Simulated, codes: Mapping[tuple[ChannelType, str], Sequence[str]]
) -> Iterator[str]:
    """Yield the delivery channels that a message may have come from.

    A provider of the sandbox has the name with which those of its platforms begin.
    """
    for (kind, platform), of_platform in codes.items():
        if kind is each.type and platform.startswith(each.provider) and _id_of(each):
            yield from of_platform


def _lookups(world: World, names: Sequence[Sequence[Name]]) -> dict[Name, Lookup]:
    """Find the lookup of each message, which has one of several names. The first ones come first.

    What is found is asked for no more. The number of requests is bounded.
    """
    found = _own(world, names)
    turns = [(n, name) for turn in zip_longest(*names) for n, name in enumerate(turn) if name]
    for _ in range(REQUESTS):
        turns = [(n, name) for n, name in turns if found.keys().isdisjoint(names[n])]
        if not turns:
            break
        ids: dict[str, list[str]] = {}
        for _, (code, id) in turns[:TOGETHER]:
            ids.setdefault(code, []).append(id)
        found |= world.lookups.find(ids)
        turns = turns[TOGETHER:]
    return found


def _own(world: World, names: Sequence[Sequence[Name]]) -> dict[Name, Lookup]:
    """Return the lookups of ids that are references of OpenUMS, which need no request."""
    ids: dict[str, list[str]] = {}
    for code, id in chain.from_iterable(names):
        ids.setdefault(code, []).append(id)
    return {
        (code, id): lookup
        for code, of_code in ids.items()
        for id, lookup in references.lookups(world.vault, code, of_code).items()
    }


def _id_of(each: Simulated) -> str:
    """Return the id by which receipts name a message: of a mail, the local part of its own id."""
    is_mail = each.type is ChannelType.EMAIL and "@" in each.provider_id
    return each.provider_id.strip("<>").partition("@")[0] if is_mail else each.provider_id


def _target(plan: Plan | None, lookup: Lookup, contact: str) -> str:
    """Return the target of a delivery, or of the contact among those of a whole call."""
    if plan is None:
        return ""
    if lookup.ref is not None and lookup.ref[0] < len(plan.targets):
        return plan.targets[lookup.ref[0]].id
    for target, by_code in zip(plan.targets, plan.contacts, strict=True):
        if any(contact in contacts for contacts in by_code.values()):
            return target.id
    return ""


def shown(each: Simulated, origin: Origin) -> dict[str, Any]:
    """Return a simulated message for an answer, whole."""
    screen = each.screen
    return {
        "number": each.number,
        "type": each.type.value,
        "provider": each.provider,
        "contact": each.contact,
        "time": each.time,
        "provider_id": each.provider_id,
        "msgid": origin.msgid or None,
        "target": origin.target or None,
        "title": screen.title,
        "text": screen.text,
        "html": screen.html,
        "sender": screen.sender,
        "template": screen.template,
        "rows": [{"name": name, "value": value} for name, value in screen.rows],
        "link": screen.link,
        "files": list(screen.files),
    }
