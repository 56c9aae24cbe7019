"""Users change: their contacts and tags, many users at once, whoever else changes them meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid
from chalicelib.domain.users import ALL, MAX_EVENTS, Bindings, User, UserChange, apply
from chalicelib.flow import suppressions
from chalicelib.ports import World

ATTEMPTS = 6
USERID = 64  # characters
USER_BYTES = 32 * 1024  # of contacts and tags: a chunk of plans must hold at least one user

# Of these a user has one contact per scope: `add` replaces it.
SINGLE = frozenset(ChannelType) - {ChannelType.APP, ChannelType.WECHATWK_LINKEDCORP}

UNKNOWN = "does not exist"
BUSY = "was changed by others at the same time, please try again"


@dataclass(frozen=True)
class Changed:
    """Users that are not as they were, and why which could not be changed."""

    changed: frozenset[str]
    refused: Mapping[str, str]


def change(
    world: World, changes: Sequence[UserChange], *, create: bool = True
) -> Mapping[str, str]:
    """Apply the changes, those of one user in their order; why which users were not changed. A repeat changes nothing.

    Without `create`, who is not known yet is not changed either.
    """
    return change_all(world, changes, create=create).refused


def change_all(world: World, changes: Sequence[UserChange], *, create: bool = True) -> Changed:
    """The same, and which users are not as they were."""
    waiting: dict[str, list[UserChange]] = {}
    for each in changes:
        waiting.setdefault(each.userid, []).append(each)
    refused: dict[str, str] = {}
    saved: set[str] = set()
    for _ in range(ATTEMPTS):
        found = world.users.get(list(waiting))
        changed = []
        for userid, mine in waiting.items():
            before = found.get(userid, User(userid))
            after = reduce(apply, mine, before)
            if not create and userid not in found:
                refused[userid] = UNKNOWN
            elif size(after) > USER_BYTES:
                refused[userid] = f"has more than {USER_BYTES} bytes of contacts and tags"
            elif len(after.events) > MAX_EVENTS:
                refused[userid] = f"has more than {MAX_EVENTS} kinds of events"
            elif after != before or not before.version:
                changed.append(after)
        changed = suppressions.carry(world, changed, found)
        losers = world.users.save(changed, found) if changed else frozenset()
        saved |= {user.userid for user in changed if user.userid not in losers}
        waiting = {userid: mine for userid, mine in waiting.items() if userid in losers}
        if not waiting:
            break
    return Changed(frozenset(saved), {**refused, **dict.fromkeys(waiting, BUSY)})


def delete(world: World, userids: Sequence[str]) -> Mapping[str, str]:
    """Take users away with all that is bound to them; why which of them were not."""
    waiting = list(dict.fromkeys(userids))
    refused: dict[str, str] = {}
    for attempt in range(ATTEMPTS):
        found = world.users.get(waiting)
        if not attempt:
            refused = {userid: UNKNOWN for userid in waiting if userid not in found}
        losers = world.users.delete(list(found.values())) if found else frozenset()
        waiting = [userid for userid in waiting if userid in losers]
        if not waiting:
            break
    return {**refused, **dict.fromkeys(waiting, BUSY)}


def size(user: User) -> int:
    """Bytes of what is stored of a user, near enough."""
    scopes = (*user.contacts.values(), user.tags)
    bound = sum(
        len(bind) + sum(len(v.encode()) + 3 for v in values)
        for scoped in scopes
        for bind, values in scoped.items()
    )
    rest = (user.labels, user.undeliverable, user.opt_outs, user.attributes, user.events)
    return bound + sum(
        len(json.dumps(each, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        for each in rest
        if each
    )


def fold_singles(one: UserChange) -> UserChange:
    """What `add` says of contacts of which there is one belongs to `set`."""
    singles = {kind: scoped for kind, scoped in one.add.contacts.items() if kind in SINGLE}
    if not singles:
        return one
    kinds = {*one.set.contacts, *singles}
    merged = {
        kind: {**one.set.contacts.get(kind, {}), **singles.get(kind, {})} for kind in sorted(kinds)
    }
    rest = {kind: scoped for kind, scoped in one.add.contacts.items() if kind not in SINGLE}
    return UserChange(
        one.userid, Bindings(merged, one.set.tags), Bindings(rest, one.add.tags), one.remove
    )


_WORDS = {ChannelType.SMS: "phone"}  # UMS calls the contact by another name than the channel type


def check_scopes(world: World, caller: AccessChannel | None, one: UserChange) -> None:
    """Raises Invalid for a scope that does not exist or is not the caller's. `caller` None: a global key, which may do everything.

    With a channel key: `all`, that key, and the codes of delivery channels authorised to it.
    """
    for field, kind, bind in _binds(one):
        check_scope(world, caller, field, kind, bind)


def check_scope(
    world: World, caller: AccessChannel | None, field: str, kind: ChannelType | None, bind: str
) -> None:
    """The same for one scope: of a contact on a channel type, or (None) of tags."""
    if kind is not None and kind.bound_by_code:
        _check_code(world, caller, field, kind, bind)
    elif bind != ALL:
        _check_key(world, caller, field, bind)


def _binds(one: UserChange) -> Iterator[tuple[str, ChannelType | None, str]]:
    for name, part in (("set", one.set), ("add", one.add), ("del", one.remove)):
        for kind, scoped in part.contacts.items():
            yield from ((f"{name}.{_WORDS.get(kind, kind)}.{bind}", kind, bind) for bind in scoped)
        yield from ((f"{name}.tag.{bind}", None, bind) for bind in part.tags)


def _check_code(
    world: World, caller: AccessChannel | None, field: str, kind: ChannelType, code: str
) -> None:
    if caller is not None and code not in caller.channels:
        raise Invalid(
            field, "is not the code of a delivery channel that is authorised to this channel key"
        )
    channel = world.settings.channel(code)
    if channel is None or channel.type is not kind:
        raise Invalid(field, f"there is no {kind} channel with this code")


def _check_key(world: World, caller: AccessChannel | None, field: str, key: str) -> None:
    if caller is not None and key != caller.key:
        raise Invalid(field, "must be all or the caller's own channel key")
    if caller is None and world.settings.access_channel(key) is None:
        raise Invalid(field, "must be all or the channel key of an access channel")
