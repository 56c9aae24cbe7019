"""Records of several tables, read and written together: those of jobs, and those of posts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Protocol

from chalicelib.domain.chunks import CallAnswer
from chalicelib.domain.facts import Fact
from chalicelib.domain.jobs import Timer
from chalicelib.domain.messages import Message, Retention
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.users import User
from chalicelib.domain.values import frozen
from chalicelib.ports.messages import Lookup, Nonce


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

    def add(
        self, bundles: Sequence[tuple[ChunkId, Sequence[Fact], Retention]], nonce: Nonce
    ) -> None:
        """Add facts as `Ledger.add_all` does, and the nonce of their post, 25 per request.

        The nonce is written without condition, so it must have been read.
        """
