"""Callbacks: what an item of a stream tells, the batches that were made, and their receivers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Protocol

from chalicelib.domain.callbacks import Batch, News, Record
from chalicelib.domain.sentences import Sentence
from chalicelib.domain.values import frozen


class Callbacks(Protocol):
    """Batches of callbacks with their attempts, kept as long as a message's history."""

    def news(self, image: Mapping[str, Any], time: int) -> News | None:
        """Read an item from its image in the stream of the ledger or of the messages.

        None: its message has no callbacks, or the item has no records. Anything else raises.
        """

    def put(self, batch: Batch) -> None:
        """Store a batch, also in the place of an earlier state of it."""

    def get(self, channel_key: str, id: str) -> Batch | None:
        """Return a batch, read consistently."""

    def list(
        self, channel_key: str, since: str, until: str, limit: int, *, newest_first: bool = False
    ) -> Sequence[Batch]:
        """Return the batches with ids above `since` and below `until`, in the order of time.

        Their bodies are left out. Limit 0 means all.
        """


@frozen
class Reply:
    """A receiver's answer. `status` 0: none came, and `code` says why."""

    status: int
    code: str = ""
    body: bytes = field(default=b"", repr=False)


class Receivers(Protocol):
    """The servers of senders, behind the one egress policy."""

    def refusal(self, url: str) -> Sentence | None:
        """Return the reason why this address may never be used, or None."""

    def body(self, records: Sequence[Record]) -> bytes:
        """Return the body of a request with these records."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply: ...
    def get(self, url: str, headers: Mapping[str, str], params: Mapping[str, str]) -> Reply: ...
