"""Messages that a container remembers, bounded by their number and by the memory that they take."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.messages import Message

MOST = 256
BYTES = 32_000_000  # of memory: a small part of a function's
APART = 4000  # bytes of a message without what is counted
OF_PLAN = 4  # bytes of memory for each of a plan's bytes


class Remembered:
    """The messages that were put last. The last one stays, whatever its size."""

    def __init__(self, most: int = MOST, room: int = BYTES) -> None:
        self._most, self._room, self._taken = most, room, 0
        self._known: OrderedDict[str, tuple[Message, int]] = OrderedDict()

    def __contains__(self, msgid: str) -> bool:
        return msgid in self._known

    def get(self, msgid: str) -> Message | None:
        known = self._known.get(msgid)
        return known[0] if known else None

    def put(self, message: Message) -> None:
        self.forget(message.msgid)
        size = size_of(message)
        self._known[message.msgid] = (message, size)
        self._taken += size
        while len(self._known) > 1 and (len(self._known) > self._most or self._taken > self._room):
            self.forget(next(iter(self._known)))

    def forget(self, msgid: str) -> None:
        known = self._known.pop(msgid, None)
        self._taken -= known[1] if known else 0


def size_of(message: Message) -> int:
    """Return about how many bytes of memory a message takes."""
    plan = message.plan.size * OF_PLAN if message.plan else 0
    parts = (message.contents, message.written, message.links, message.userids, message.personal)
    return APART + plan + sum(map(_size, parts))


def _size(value: Any) -> int:
    size = sys.getsizeof(value)
    if isinstance(value, Mapping):
        return size + sum(_size(name) + _size(one) for name, one in value.items())
    if isinstance(value, (list, tuple, frozenset, set)):
        return size + sum(map(_size, value))
    return size
