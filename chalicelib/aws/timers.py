"""Timers: rows of `due`, and Step Functions as the clock that sweeps them.

One execution per slot of the clock's width serves every timer of the slot. It is started before
the row is put, at least two widths ahead. So it cannot sweep before the row is stored. Starting an
execution that exists already is a success. A schedule sweeps too, in case an execution gets lost.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Sequence

from chalicelib.aws.clients import client, error_code
from chalicelib.aws.clock import Clock
from chalicelib.aws.items import Item, from_item, to_item, write_many
from chalicelib.aws.tables import table
from chalicelib.config import settings
from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.jobs import Timer, TimerKind
from chalicelib.domain.plans import ChunkId

SHARDS = 4
STARTED = 256  # slots that a container remembers to have started
# Rows that a container remembers to have put. A chunk that changes often sets one recount again
# and again.
REMEMBERED = 4096

Missing = set[tuple[int, str]]  # slot and name of a timer

_started: dict[int, None] = {}


class Timers:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Rows that this container has put. A sweep takes none before its slot.
        self._stored: dict[tuple[int, str], None] = {}

    def set(self, timers: Sequence[Timer], *, punctual: bool = True) -> None:
        missing = self.missing(timers) if punctual else self._unknown(timers)
        if not missing:
            return
        write_many(table("due"), self.rows(missing), key=("shard", "due"))
        self.remember(missing)

    def missing(self, timers: Sequence[Timer]) -> Missing:
        """Return the rows that this container has not put yet, and start their sweeps."""
        missing = self._unknown(timers)
        for slot in sorted({slot for slot, _ in missing}):
            _start_sweep(slot)
        return missing

    def _unknown(self, timers: Sequence[Timer]) -> Missing:
        return {(self._slot(timer), timer.what) for timer in timers} - self._stored.keys()

    @staticmethod
    def rows(missing: Missing) -> list[Item]:
        return [_key(what, slot) for slot, what in missing]

    def remember(self, missing: Missing) -> None:
        """Remember rows that were put."""
        self._stored.update(dict.fromkeys(missing))
        while len(self._stored) > REMEMBERED:
            del self._stored[next(iter(self._stored))]

    def row(self, timer: Timer) -> Item:
        """Return a row to put without an execution of its own.

        The next sweep after its time serves it, at the latest the scheduled one.
        """
        return _key(timer.what, self._slot(timer))

    def _slot(self, timer: Timer) -> int:
        return slot_of(timer.at, self._clock.now(), settings().clock_width * 1000)

    def due(self, now: int, limit: int) -> Sequence[Timer]:
        due: list[Timer] = []
        for shard in range(SHARDS):
            answer = client("dynamodb").query(
                **_due_rows(shard, now), Limit=max(1, limit - len(due)), ConsistentRead=True
            )
            due += [_timer(from_item(item)) for item in answer["Items"]]
            if len(due) >= limit:
                break
        return due

    def oldest(self, now: int) -> int | None:
        """Read one row of each shard, the cheapest question that there is."""
        rows: list[dict[str, object]] = []
        for shard in range(SHARDS):
            answer = client("dynamodb").query(**_due_rows(shard, now), Limit=1)
            rows += [from_item(item) for item in answer["Items"]]
        return min((_timer(row).at for row in rows), default=None)

    def done(self, timers: Sequence[Timer]) -> None:
        for timer in timers:
            self._stored.pop((timer.at, timer.what), None)
        rows = [_key(timer.what, timer.at) for timer in timers]
        write_many(table("due"), (), rows, key=("shard", "due"))


def slot_of(at: int, now: int, width: int) -> int:
    """Round a time up to the clock's width, to at least two widths from now."""
    return max(-(-at // width), -(-now // width) + 2) * width


def execution_name(slot: int) -> str:
    """Return the name of a slot's execution: at most 64 characters of [0-9A-Za-z-_]."""
    return f"tick-{slot:013d}"


def _start_sweep(slot: int) -> None:
    if slot in _started:
        return
    from botocore.exceptions import ClientError

    at = datetime.datetime.fromtimestamp(slot / 1000, datetime.UTC)
    time = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    try:
        client("stepfunctions").start_execution(
            stateMachineArn=settings().clock_arn,
            name=execution_name(slot),
            input=json.dumps({"at": time}),
        )
    except ClientError as error:
        if error_code(error) != "ExecutionAlreadyExists":
            raise
    while len(_started) >= STARTED:
        del _started[next(iter(_started))]
    _started[slot] = None


def _key(what: str, slot: int) -> Item:
    shard = hashlib.sha256(what.encode()).digest()[0] % SHARDS
    return to_item({"shard": shard, "due": f"{slot:013d}#{what}"})


def _due_rows(shard: int, now: int) -> dict[str, object]:
    """Build the query for a shard's due rows, earliest first."""
    return {
        "TableName": table("due"),
        "KeyConditionExpression": "#shard = :shard AND due <= :now",
        "ExpressionAttributeNames": {"#shard": "shard"},
        "ExpressionAttributeValues": to_item({":shard": shard, ":now": f"{now:013d}~"}),
    }


def _timer(row: dict[str, object]) -> Timer:
    """Read a timer from its key. Its `at` is the slot, which is needed to delete the row."""
    slot, what = str(row["due"]).split("#", 1)
    kind, msgid, chunk, priority, channel = keys.split(what)
    return Timer(
        int(slot), TimerKind(kind), ChunkId(msgid, int(chunk)), Priority(int(priority)), channel
    )
