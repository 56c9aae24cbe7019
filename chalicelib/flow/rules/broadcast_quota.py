"""Count the broadcasts of an access channel's day, where it has a quota.

A broadcast is counted in one conditional update before it is stored. So two at once never exceed
the quota. It is given back if the message is not stored.
"""

from __future__ import annotations

from types import TracebackType

from chalicelib.domain import keys
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.errors import BroadcastsUsedUp
from chalicelib.flow.delivery.quota import KEPT, Day, day_at
from chalicelib.flow.requests import SendRequest
from chalicelib.ports import World

RULE = "broadcast_quota"


def today(world: World) -> Day:
    return day_at(world.clock.now(), world.limits.utc_offset)


def used(world: World, channel: AccessChannel) -> int:
    """Return how many broadcasts of an access channel were accepted today."""
    return world.counters.used(_name(channel, today(world)))


def _name(channel: AccessChannel, day: Day) -> str:
    return keys.join("broadcasts", channel.key, day.date)


class CountedBroadcast:
    """The place of a broadcast in its day. Raise BroadcastsUsedUp if there is none.

    As a context, it gives the place back if the message is not stored. Any other message, and one
    of an access channel without a quota, costs nothing.
    """

    def __init__(self, world: World, request: SendRequest, msgid: str) -> None:
        self._world, self._msgid, self._name = world, msgid, ""
        settings = request.channel.rules.get(RULE) if request.everyone else None
        if settings is None:
            return
        day, most = today(world), settings["per_day"]
        name = _name(request.channel, day)
        if world.counters.take(name, 1, most, day.ends // 1000 + KEPT).granted:
            self._name = name
        elif world.messages.get(msgid) is None:  # a repeat of a schedule was counted before
            raise BroadcastsUsedUp(limit=most)

    def give_back(self) -> None:
        if self._name:
            self._world.counters.give_back(self._name, 1)
            self._name = ""

    def __enter__(self) -> CountedBroadcast:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception) and self._name and not self._may_be_stored():
            self.give_back()

    def _may_be_stored(self) -> bool:
        """Tell if the message is there after all. An answer of the store may have got lost."""
        try:
            return self._world.messages.get(self._msgid) is not None
        except Exception:  # noqa: BLE001 the first error is raised, and the quota is kept
            return True
