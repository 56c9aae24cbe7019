"""Simulated messages of the provider sandbox, with the message and target behind each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, Channel, ChannelType
from chalicelib.domain.errors import NotFound
from chalicelib.domain.plans import Plan
from chalicelib.domain.sandbox import Simulated, leads_there
from chalicelib.flow.content import references
from chalicelib.ports import Lookup, World

CODES = 5  # delivery channels of a type in which an id is looked for


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
    """Return the origins, with one request each for lookups, messages and plans."""
    codes = _codes(world)
    known = _lookups(world, taken, codes)
    lookups = [_lookup(known, each, codes) for each in taken]
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


def _codes(world: World) -> Mapping[ChannelType, Sequence[str]]:
    codes: dict[ChannelType, list[str]] = {}
    for channel in world.records.of(DELIVERY_CHANNELS).list():
        of_type = codes.setdefault(channel.type, [])
        if len(of_type) < CODES:
            of_type.append(channel.code)
    return codes


def _lookups(
    world: World, taken: Iterable[Simulated], codes: Mapping[ChannelType, Sequence[str]]
) -> Mapping[tuple[str, str], Lookup]:
    ids: dict[str, list[str]] = {}
    for each in taken:
        for code in codes.get(each.type, ()):
            ids.setdefault(code, []).extend(filter(None, [_id_of(each)]))
    named = {
        (code, id): lookup
        for code, of_code in ids.items()
        for id, lookup in references.lookups(world.vault, code, of_code).items()
    }
    rest = {
        code: [id for id in dict.fromkeys(of_code) if (code, id) not in named]
        for code, of_code in ids.items()
    }
    wanted = {code: of_code for code, of_code in rest.items() if of_code}
    return {**named, **(world.lookups.find(wanted) if wanted else {})}


def _id_of(each: Simulated) -> str:
    """Return the id by which receipts name a message: of a mail, the local part of its own id."""
    is_mail = each.type is ChannelType.EMAIL and "@" in each.provider_id
    return each.provider_id.strip("<>").partition("@")[0] if is_mail else each.provider_id


def _lookup(
    found: Mapping[tuple[str, str], Lookup],
    each: Simulated,
    codes: Mapping[ChannelType, Sequence[str]],
) -> Lookup | None:
    names = ((code, _id_of(each)) for code in codes.get(each.type, ()))
    return next((found[name] for name in names if name in found), None)


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
