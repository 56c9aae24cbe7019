"""Documents of counts and notes of small messages, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.jobs import Timer
from chalicelib.domain.messages import Entry
from chalicelib.domain.notes import NOWHERE, Note
from chalicelib.domain.plans import ChunkId
from chalicelib.ports import Document
from chalicelib.ports.figures import Key
from tests.fakes.copies import copy_of
from tests.fakes.ledger import FakeLedger
from tests.fakes.messages import FakeMessages
from tests.fakes.steps import Steps
from tests.fakes.users import FakeUsers

TRANSACTION = 100


class FakeFigures:
    """Figures in memory. `crowded`: others are always faster, and nothing can be stored."""

    def __init__(self, steps: Steps) -> None:
        self.crowded = False
        self.steps = steps
        self.stored: dict[Key, Document] = {}

    def load(self, keys: Sequence[Key]) -> Mapping[Key, Document]:
        with self.steps.around("figures.load", write=False):
            return {key: copy_of(self.stored[key]) for key in keys if key in self.stored}

    def store(self, documents: Sequence[Document]) -> bool:
        assert 0 < len({document.key for document in documents}) == len(documents) <= TRANSACTION
        with self.steps.around("figures.store", write=True):
            if self.crowded:
                return False
            for document in documents:
                before = self.stored.get(document.key)
                if (before.version if before else 0) != document.version - 1:
                    return False
            self.stored.update({document.key: copy_of(document) for document in documents})
            return True

    def between(
        self, name: str, first: str, last: str, *, fresh: bool = False
    ) -> Iterator[Document]:
        with self.steps.around("figures.between", write=False):
            chosen = [key for key in sorted(self.stored) if key[0] == name]
        yield from (copy_of(self.stored[key]) for key in chosen if first <= key[1] <= last)


class FakeNotes:
    def __init__(
        self, steps: Steps, messages: FakeMessages, ledger: FakeLedger, users: FakeUsers
    ) -> None:
        self.steps, self._messages, self._ledger = steps, messages, ledger
        self._users = users
        self.added: list[Note] = []

    def of_message(self, image: Mapping[str, Any]) -> Note:
        """Look up the stored message: an image of the fake is only its key."""
        msgid = image["pk"]["S"]
        return Note(ChunkId(msgid, 0), copy_of(self._messages.stored[msgid]))

    def of_ledger(self, image: Mapping[str, Any]) -> Note | None:
        msgid, chunk = keys.split(image["pk"]["S"])
        return self._ledger.note(ChunkId(msgid, int(chunk)), image["sk"]["S"])

    def add(
        self, notes: Sequence[Note], entries: Sequence[Entry] = (), timers: Sequence[Timer] = ()
    ) -> None:
        """Set the timers first, which is the worst order. Only record the entries.

        A stored message is in its list at once.
        """
        self._messages.timers.set(timers, punctual=False)
        with self.steps.around("notes.add", write=True):
            self._messages.listed += entries
            self.added += copy_of(list(notes))

    def of_block(self, block: int) -> Sequence[Note]:
        with self.steps.around("notes.of_block", write=False):
            out = [Note(NOWHERE, opt_out) for opt_out in self._users.opted_out]
            return [copy_of(note) for note in (*self.added, *out) if note.block == block]
