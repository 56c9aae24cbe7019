"""Changes of users: contacts, tags, attributes and events of many users at once."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid
from chalicelib.domain.sentences import Sentence
from chalicelib.domain.traces import Log, Occurrence, added
from chalicelib.domain.users import ALL, MAX_EVENTS, Bindings, User, UserChange, apply, counted
from chalicelib.domain.values import frozen
from chalicelib.flow import suppressions, user_writes
from chalicelib.ports import World

USERID = 64  # characters
USER_BYTES = 32 * 1024  # of contacts and tags: a chunk of plans must hold at least one user

# A user has one contact per scope on each of these types, so `add` replaces it.
SINGLE = frozenset(ChannelType) - {ChannelType.APP, ChannelType.WECHATWK_LINKEDCORP}

UNKNOWN = Sentence("does not exist")
BUSY = Sentence("was changed by others at the same time, please try again")


@frozen
class Changed:
    """Userids that were changed, and the reasons for those that could not be changed."""

    changed: frozenset[str]
    refused: Mapping[str, str]


def change(
    world: World,
    changes: Sequence[UserChange],
    *,
    create: bool = True,
    caller: AccessChannel | None = None,
) -> Mapping[str, str]:
    """Apply changes, those of one user in their order. Return a reason for each user refused.

    A repeat changes nothing. Without `create`, users that are not stored are refused. A caller of
    None is a member.
    """
    return change_all(world, changes, create=create, caller=caller).refused


def change_all(
    world: World,
    changes: Sequence[UserChange],
    *,
    create: bool = True,
    caller: AccessChannel | None = None,
) -> Changed:
    """Apply changes as `change` does. Return the userids that were changed, too."""
    by_user = _by_user(changes)
    refused: dict[str, str] = {}
    saved: set[str] = set()

    def attempt(userids: Sequence[str], stored: Mapping[str, User]) -> Collection[str]:
        changed = []
        for userid in userids:
            if not create and userid not in stored:
                refused[userid] = UNKNOWN
                continue
            before = stored.get(userid, User(userid))
            after = _changed(world, caller, by_user[userid], before)
            if reason := _too_large(after):
                refused[userid] = reason
            elif after != before or not before.version:
                changed.append(after)
        changed = suppressions.apply_earlier_opt_outs(world, changed, stored)
        lost = world.users.save(changed, stored, _logs(world, changed, stored, by_user))
        saved.update(user.userid for user in changed if user.userid not in lost)
        return lost

    busy = user_writes.write(world, by_user, attempt)
    return Changed(frozenset(saved), {**refused, **dict.fromkeys(busy, BUSY)})


def _by_user(changes: Sequence[UserChange]) -> Mapping[str, Sequence[UserChange]]:
    by_user: dict[str, list[UserChange]] = {}
    for change in changes:
        by_user.setdefault(change.userid, []).append(change)
    return by_user


def _changed(
    world: World, caller: AccessChannel | None, changes: Sequence[UserChange], before: User
) -> User:
    """Apply changes. Record that a restricted access channel made a user its own, or others did.

    A user that it made its own it reaches by its own contacts only. Otherwise it could lift its
    restriction itself.
    """
    after = reduce(apply, changes, before)
    if caller is not None and caller.restricted:
        was_own = before.is_bound_to(caller.key, caller.channels)
        if was_own or not after.is_bound_to(caller.key, caller.channels):
            return after
        return replace(after, claimed=tuple(sorted({*after.claimed, caller.key})))
    if not before.claimed:
        return after
    bound = frozenset[str]().union(*(change.binds() for change in changes))
    claimed = tuple(key for key in before.claimed if bound.isdisjoint(_own_scopes(world, key)))
    return replace(after, claimed=claimed)


def _own_scopes(world: World, key: str) -> frozenset[str]:
    """Return the scopes in which a binding makes a user the access channel's own."""
    access = world.settings.access_channel(key)
    return frozenset({key, *(access.channels if access else ())})


def _too_large(user: User) -> Sentence | None:
    if size(user) > USER_BYTES:
        return Sentence("has more than {most} bytes of contacts and tags", most=USER_BYTES)
    if len(user.events) > MAX_EVENTS:
        return Sentence("has more than {most} kinds of events", most=MAX_EVENTS)
    return None


def _logs(
    world: World,
    changed: Sequence[User],
    stored: Mapping[str, User],
    by_user: Mapping[str, Sequence[UserChange]],
) -> Mapping[tuple[str, str], Log]:
    """Return the logs to store, by user id and event name: the old ones and the new events."""
    new: dict[tuple[str, str], list[Occurrence]] = {}
    for user in changed:
        events = [event for change in by_user[user.userid] for event in change.events]
        for event in counted(stored.get(user.userid, User(user.userid)), events):
            occurrence = Occurrence(event.time, event.properties)
            new.setdefault((user.userid, event.name), []).append(occurrence)
    if not new:
        return {}
    logs, now = world.traces.logs(list(new)), world.clock.now()
    grown = {name: added(logs.get(name, ()), some, now) for name, some in new.items()}
    return {name: log for name, log in grown.items() if log}


def delete(world: World, userids: Sequence[str]) -> Mapping[str, str]:
    """Delete users with all that is bound to them. Return a reason for each user not deleted."""
    known: set[str] = set()

    def attempt(userids: Sequence[str], stored: Mapping[str, User]) -> Collection[str]:
        known.update(stored)
        for user in stored.values():
            if user.events:
                world.traces.forget_logs(user.userid, list(user.events))
        return world.users.delete(list(stored.values())) if stored else ()

    busy = user_writes.write(world, userids, attempt)
    unknown = [userid for userid in userids if userid not in known]
    return {**dict.fromkeys(unknown, UNKNOWN), **dict.fromkeys(busy, BUSY)}


def size(user: User) -> int:
    """Return about how many bytes are stored of a user."""
    bound = 0
    for scoped in (*user.contacts.values(), user.tags):
        for bind, values in scoped.items():
            bound += len(bind) + sum(len(value.encode()) + 3 for value in values)
    rest: tuple[Mapping[Any, Any], ...] = (user.labels, user.undeliverable, user.opt_outs)
    rest = (*rest, user.attributes, user.events, user.preferences)
    return bound + sum(
        len(json.dumps(part, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        for part in rest
        if part
    )


def fold_singles(change: UserChange) -> UserChange:
    """Move contacts of `SINGLE` types from `add` to `set`."""
    singles = {kind: scoped for kind, scoped in change.add.contacts.items() if kind in SINGLE}
    if not singles:
        return change
    kinds = {*change.set.contacts, *singles}
    merged = {
        kind: {**change.set.contacts.get(kind, {}), **singles.get(kind, {})}
        for kind in sorted(kinds)
    }
    rest = {kind: scoped for kind, scoped in change.add.contacts.items() if kind not in SINGLE}
    return replace(
        change, set=Bindings(merged, change.set.tags), add=Bindings(rest, change.add.tags)
    )


# UMS names this contact otherwise than the channel type.
_FIELD_NAMES = {ChannelType.SMS: "phone"}


def check_scopes(world: World, caller: AccessChannel | None, change: UserChange) -> None:
    """Raise Invalid for a scope that does not exist or does not belong to the caller.

    An access channel may use its own key, and the codes of delivery channels that it is authorised
    for. It may use `all` where its settings say so. A caller of None is a member, who may use every
    scope.
    """
    for field, kind, bind in _binds(change):
        check_scope(world, caller, field, kind, bind)
    if change.attributes and caller is not None and not caller.may_change_all:
        raise Invalid("attributes", "this access channel must not change what belongs to all")


def check_scope(
    world: World, caller: AccessChannel | None, field: str, kind: ChannelType | None, bind: str
) -> None:
    """Check one scope as `check_scopes` does: of contacts on a channel type, or of tags (None)."""
    if kind is not None and kind.bound_by_code:
        _check_code(world, caller, field, kind, bind)
    elif bind != ALL:
        _check_key(world, caller, field, bind)
    elif caller is not None and not caller.may_change_all:
        raise Invalid(field, "this access channel must not change what is bound to all")


def _binds(change: UserChange) -> Iterator[tuple[str, ChannelType | None, str]]:
    for name, part in (("set", change.set), ("add", change.add), ("del", change.remove)):
        for kind, scoped in part.contacts.items():
            contact_name = _FIELD_NAMES.get(kind, kind)
            yield from ((f"{name}.{contact_name}.{bind}", kind, bind) for bind in scoped)
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
        reason = "there is no {channel_type} channel with this code"
        raise Invalid(field, reason, channel_type=kind.value)


def _check_key(world: World, caller: AccessChannel | None, field: str, key: str) -> None:
    if caller is not None and key != caller.key:
        raise Invalid(field, "must be all or the caller's own channel key")
    if caller is None and world.settings.access_channel(key) is None:
        raise Invalid(field, "must be all or the channel key of an access channel")
