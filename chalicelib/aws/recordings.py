"""Records of several jobs, written together across tables."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.aws import ledger_items, lookups
from chalicelib.aws.items import Put, put_all
from chalicelib.aws.tables import table
from chalicelib.aws.timers import Missing, Timers
from chalicelib.ports import Recording


class Recordings:
    def __init__(self, timers: Timers) -> None:
        self._timers = timers

    def put(self, recordings: Sequence[Recording]) -> None:
        missing: Missing = set()
        try:
            missing = self._timers.missing([timer for r in recordings for timer in r.timers])
        finally:  # a clock that cannot be started costs no answer
            put_all([put for r in recordings for put in _puts(r)] + self._rows(missing))
        self._timers.remember(missing)

    def _rows(self, missing: Missing) -> list[Put]:
        return [(table("due"), ("shard", "due"), row) for row in self._timers.rows(missing)]


def _puts(recording: Recording) -> list[Put]:
    message = recording.message
    answers = [
        ledger_items.answer_item(recording.chunk, answer, message) for answer in recording.answers
    ]
    rows = lookups.rows(recording.channel, recording.lookups, message.expires)
    return [
        *((table("ledger"), ("pk", "sk"), answer) for answer in answers),
        *((table("lookups"), ("pk",), row) for row in rows),
    ]
