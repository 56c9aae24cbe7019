"""Keep the reach of messages to each person, where an access channel chooses by own rates.

It follows from the facts of a chunk. So it may be kept again, late, or in any order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from chalicelib.domain import keys
from chalicelib.domain import reach as domain
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.messages import Message
from chalicelib.domain.rules.caps import Mark
from chalicelib.flow import marks
from chalicelib.ports import World


def name_of(channel_key: str, userid: str) -> str:
    """Return the name of the marks that have the reach of messages to a user."""
    return keys.join("reach", channel_key, userid)


def keep(world: World, chunks: Iterable[tuple[Message, Chunk]]) -> None:
    """Keep the reach of those messages that count for people's own rates."""
    new: defaultdict[str, list[Mark]] = defaultdict(list)
    now = world.clock.now()
    for message, chunk in chunks:
        if message.rated and message.starts > now - domain.LASTS:
            for userid, of_user in domain.reached(message, chunk).items():
                new[name_of(message.channel_key, userid)] += of_user

    def grown(name: str, known: Sequence[Mark]) -> Sequence[Mark] | None:
        after = domain.grown(known, new[name], now)
        return after if set(after) - set(known) else None

    marks.change(world, new, grown)


def of_users(
    world: World, channel_key: str, userids: Iterable[str]
) -> Mapping[str, Sequence[Mark]]:
    """Return the reach of messages to users, with a request per 100 of them."""
    names = {name_of(channel_key, userid): userid for userid in userids}
    stored = world.marks.get(list(names)) if names else {}
    return {names[name]: of_user.marks for name, of_user in stored.items()}
