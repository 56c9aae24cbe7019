"""Figures of messages: notes of small messages, and documents of counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from chalicelib.domain.jobs import Timer
from chalicelib.domain.messages import Entry
from chalicelib.domain.notes import Note
from chalicelib.domain.values import frozen

Key = tuple[str, str]


@frozen
class Document:
    """Counts under a key, whose each change makes the next version.

    `expires`: epoch seconds, or None for a document that is kept.
    """

    key: Key
    version: int
    body: Mapping[str, Any]
    expires: int | None = None


class Notes(Protocol):
    """Notes of small messages: events of DynamoDB's streams, from which figures are counted.

    Notes are only added. A note that is added again changes nothing.
    """

    def of_message(self, image: Mapping[str, Any]) -> Note:
        """Read the note of a new message from its image in the stream. Anything else raises."""

    def of_ledger(self, image: Mapping[str, Any]) -> Note | None:
        """Read the note of a new item of the ledger, or None for an item that changes no figure."""

    def add(
        self, notes: Sequence[Note], entries: Sequence[Entry] = (), timers: Sequence[Timer] = ()
    ) -> None:
        """Add notes, in one item for each block, with one request for all in any order.

        `entries`: new messages, for the lists of their access channels. `timers` need not be
        punctual. If it fails, some may be stored. A repeat changes nothing.
        """

    def of_block(self, block: int) -> Sequence[Note]:
        """Return all notes of a block, read consistently, some of them more than once."""


class Figures(Protocol):
    """Documents of counts."""

    def load(self, keys: Sequence[Key]) -> Mapping[Key, Document]:
        """Return those of these documents that exist, read consistently, 100 per request."""

    def store(self, documents: Sequence[Document]) -> bool:
        """Store up to 100 documents: all or none.

        Return False if the stored version of one is not the version before.
        """

    def between(
        self, name: str, first: str, last: str, *, fresh: bool = False
    ) -> Iterator[Document]:
        """Yield the documents of a name in the order of the second parts of their keys.

        `fresh` reads consistently.
        """
