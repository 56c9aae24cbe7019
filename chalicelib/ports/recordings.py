"""Records of several jobs, read and written together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Protocol

from chalicelib.domain.chunks import CallAnswer
from chalicelib.domain.jobs import Timer
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.users import User
from chalicelib.domain.values import frozen
from chalicelib.ports.messages import Lookup


@frozen
class Recording:
    """The records of a job: answers of its calls, lookups, and timers."""

    message: Message
    chunk: ChunkId
    answers: Sequence[CallAnswer] = ()
    channel: str = ""
    lookups: Mapping[str, Lookup] = field(default_factory=dict)
    timers: Sequence[Timer] = ()


class Recordings(Protocol):
    def read(
        self, msgids: Sequence[str], userids: Sequence[str]
    ) -> tuple[Mapping[str, Message], Mapping[str, User]]:
        """Return the messages and the users that exist, read consistently with one request.

        Messages may come from a cache or a replica, since they never change.
        """

    def put(self, recordings: Sequence[Recording]) -> None:
        """Put all records of several jobs, 25 per request. Some may be put before others.

        An answer replaces a stored one. So its call must belong to the caller alone.
        """
