"""Events of users: counted by name, and kept with their properties for 90 days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from chalicelib.domain.errors import NotFound
from chalicelib.domain.traces import Event, Log
from chalicelib.domain.users import UserChange
from chalicelib.manage import users
from chalicelib.ports import World

AT_ONCE = 50  # events of a user in one transaction, which has at most 100 actions

Happened = Sequence[tuple[str, Event]]


def record(world: World, happened: Happened) -> Mapping[str, str]:
    """Record events by user id. Return a reason for each user refused.

    An event with an id counts once, however often it is recorded. Users are made if necessary.
    An event of a time that has not come happened now, or it would be kept until then.
    """
    refused: dict[str, str] = {}
    now = world.clock.now()
    past = [(userid, replace(event, time=min(event.time, now))) for userid, event in happened]
    for some in _slices(past):
        changes = [UserChange(userid, events=(event,)) for userid, event in some]
        refused |= users.change(world, changes)
    return refused


def _slices(happened: Happened) -> Iterator[Happened]:
    """Yield all events together, or some of them after others where a user has very many."""
    names: dict[str, set[str]] = {}
    for userid, event in happened:
        names.setdefault(userid, set()).add(event.name)
    size = AT_ONCE if max(map(len, names.values()), default=0) > AT_ONCE else len(happened)
    for start in range(0, len(happened), max(size, 1)):
        yield happened[start : start + size]


def of_user(world: World, userid: str, name: str) -> Log:
    """Return the last events of a name. Raises NotFound for a user who never had one."""
    user = world.users.get([userid]).get(userid) if 0 < len(userid) <= users.USERID else None
    if user is None or name not in user.events:
        raise NotFound("event")
    return world.traces.logs([(userid, name)]).get((userid, name), ())
