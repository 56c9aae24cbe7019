"""Records of several tables in memory, written in batches of which each may be the last."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from chalicelib.domain.facts import Fact, decode, encode
from chalicelib.domain.jobs import Timer
from chalicelib.domain.messages import Message, Retention
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.users import User
from chalicelib.ports import Nonce, Recording
from tests.fakes.copies import copy_of
from tests.fakes.messages import FakeMessages
from tests.fakes.steps import Steps
from tests.fakes.stores import WRITE_BATCH, FakeLookups
from tests.fakes.users import FakeUsers

Put = Callable[[], object]


class FakeRecordings:
    """Recordings in memory. `torn`: a step in the middle of each batch, which is not atomic.

    `judge` may refuse recordings that are put together.
    """

    def __init__(
        self, steps: Steps, messages: FakeMessages, lookups: FakeLookups, users: FakeUsers
    ) -> None:
        self.steps, self.messages, self.lookups, self.users = steps, messages, lookups, users
        self.ledger, self.timers = messages.ledger, messages.timers
        self.torn = False
        self.judge: Callable[[Sequence[Recording]], None] = lambda recordings: None

    def read(
        self, msgids: Sequence[str], userids: Sequence[str]
    ) -> tuple[Mapping[str, Message], Mapping[str, User]]:
        with self.steps.around("recordings.read", write=False):
            stored, users = self.messages.stored, self.users.stored
            return (
                {id: copy_of(stored[id]) for id in msgids if id in stored},
                {id: copy_of(users[id]) for id in userids if id in users},
            )

    def put(self, recordings: Sequence[Recording]) -> None:
        self.judge(recordings)
        timers = [timer for r in recordings for timer in r.timers]
        failure = self._failure_of_clock(timers)
        puts = [put for r in recordings for put in self._puts(r)]
        puts += [partial(self.timers.rows.add, row) for row in self.timers.rows_of(timers)]
        self._write("recordings.put", puts)
        if failure is not None:
            raise failure

    def add(
        self, bundles: Sequence[tuple[ChunkId, Sequence[Fact], Retention]], nonce: Nonce
    ) -> None:
        puts: list[Put] = [
            partial(self.ledger.put_facts, *bundle) for bundle in bundles if bundle[1]
        ]
        name = (nonce.channel, nonce.name)
        puts.append(partial(self.lookups.nonces.__setitem__, name, nonce.digest))
        self._write("recordings.add", puts)

    def _write(self, name: str, puts: Sequence[Put]) -> None:
        for start in range(0, len(puts), WRITE_BATCH):
            with self.steps.around(name, write=True):
                for n, put in enumerate(puts[start : start + WRITE_BATCH]):
                    if n and self.torn:
                        self.steps.step(f"{name}.torn", write=True)
                    put()

    def _failure_of_clock(self, timers: Sequence[Timer]) -> Exception | None:
        """Start the clock. If it cannot be started, the records are put all the same."""
        try:
            self.timers.start_clock(timers)
        except Exception as error:  # noqa: BLE001 raised when the records are put
            return error
        return None

    def _puts(self, recording: Recording) -> list[Put]:
        puts: list[Put] = []
        for answer in recording.answers:
            ordered = replace(answer, facts=decode(encode(answer.facts)))
            sk, retention = f"answer#{answer.key.text}", recording.message.retention
            put = partial(self.ledger._put, recording.chunk, sk, ordered, retention, tally=True)
            puts.append(put)
        for id, lookup in recording.lookups.items():
            puts.append(partial(self.lookups.found.__setitem__, (recording.channel, id), lookup))
        return puts
