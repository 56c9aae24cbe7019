"""Optimistic writes of users: read them, write them, and repeat for those that others changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from chalicelib.domain.users import User
from chalicelib.ports import World

ATTEMPTS = 6

Write = Callable[[Sequence[str], Mapping[str, User]], Collection[str]]


def write(world: World, userids: Iterable[str], attempt: Write) -> Sequence[str]:
    """Call `attempt` until no user is lost. Return the userids that were lost each time.

    `attempt` gets userids and those of their users that are stored. It writes what it changes,
    and returns the userids of users that others changed between reading and writing.
    """
    waiting = list(dict.fromkeys(userids))
    for _ in range(ATTEMPTS):
        lost = attempt(waiting, world.users.get(waiting))
        waiting = [userid for userid in waiting if userid in lost]
        if not waiting:
            break
    return waiting
