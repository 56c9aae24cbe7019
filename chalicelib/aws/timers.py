"""Timers: rows of `due`, and Step Functions as the clock that sweeps them.

One execution per slot of the clock's width serves every timer of the slot. It is started before
the row is put, at least two widths ahead. So it cannot sweep before the row is stored. Starting an
execution that exists already is a success. A schedule sweeps too, in case an execution gets lost.

Timers of a slot that are set together are one row. So its write and its deletion are shared.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from chalicelib.aws.clients import client, error_code
from chalicelib.aws.clock import Clock
from chalicelib.aws.items import Item, Values, pack, to_item, unpack, write_many
from chalicelib.aws.queries import query
from chalicelib.aws.tables import table
from chalicelib.config import settings
from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.jobs import Timer, TimerKind
from chalicelib.domain.plans import ChunkId
from chalicelib.ports import DueRow

SHARDS = 4
TOGETHER = 50  # timers of a row, which is smaller than a write unit then
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
        missing = self.missing(timers) if punctual else self.unknown(timers)
        if not missing:
            return
        write_many(table("due"), self.rows(missing), key=("shard", "due"))
        self.remember(missing)

    def missing(self, timers: Sequence[Timer]) -> Missing:
        """Return the rows that this container has not put yet, and start their sweeps."""
        missing = self.unknown(timers)
        for slot in sorted({slot for slot, _ in missing}):
            _start_sweep(slot)
        return missing

    def unknown(self, timers: Sequence[Timer]) -> Missing:
        """Return the rows that this container has not put yet."""
        return {(self._slot(timer), timer.what) for timer in timers} - self._stored.keys()

    @staticmethod
    def rows(missing: Missing) -> list[Item]:
        """Build the rows of timers. Timers of one slot share rows."""
        by_slot = defaultdict[int, list[str]](list)
        for slot, what in sorted(missing):
            by_slot[slot].append(what)
        return [
            _row(slot, whats[start : start + TOGETHER])
            for slot, whats in by_slot.items()
            for start in range(0, len(whats), TOGETHER)
        ]

    def remember(self, missing: Missing) -> None:
        """Remember rows that were put."""
        self._stored.update(dict.fromkeys(missing))
        while len(self._stored) > REMEMBERED:
            del self._stored[next(iter(self._stored))]

    def row(self, timer: Timer) -> Item:
        """Return a row to put without an execution of its own.

        The next sweep after its time serves it, at the latest the scheduled one.
        """
        return _row(self._slot(timer), [timer.what])

    def _slot(self, timer: Timer) -> int:
        return slot_of(timer.at, self._clock.now(), settings().clock_width * 1000)

    def due(self, now: int, limit: int) -> Sequence[DueRow]:
        due: list[DueRow] = []
        for shard in range(SHARDS):
            due += map(_read, _due_rows(shard, now, limit - len(due), ConsistentRead=True))
            if len(due) >= limit:
                break
        return due

    def oldest(self, now: int) -> int | None:
        """Read one row of each shard, the cheapest question that there is."""
        rows: list[DueRow] = []
        for shard in range(SHARDS):
            rows += map(_read, _due_rows(shard, now, 1))
        return min((row.slot for row in rows), default=None)

    def done(self, rows: Sequence[DueRow]) -> None:
        for row in rows:
            for timer in row.timers:
                self._stored.pop((row.slot, timer.what), None)
        deleted = [_key(row.slot, row.name) for row in rows]
        write_many(table("due"), (), deleted, key=("shard", "due"))


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


def _row(slot: int, whats: Sequence[str]) -> Item:
    """Build a row of timers. One timer names its row, and several are in it."""
    if len(whats) == 1:
        return _key(slot, whats[0])
    digest = hashlib.sha256("\n".join(whats).encode()).hexdigest()[:32]
    return {**_key(slot, digest), **to_item({"timers": pack(whats)})}


def _key(slot: int, name: str) -> Item:
    shard = hashlib.sha256(name.encode()).digest()[0] % SHARDS
    return to_item({"shard": shard, "due": f"{slot:013d}#{name}"})


def _due_rows(shard: int, now: int, limit: int, **more: Any) -> Iterator[dict[str, Any]]:
    """Yield a shard's next due rows, earliest first."""
    values: Values = {":shard": shard, ":now": f"{now:013d}~"}
    names = {"#shard": "shard"}
    more |= {"ExpressionAttributeNames": names, "Limit": limit}
    return islice(query("due", "#shard = :shard AND due <= :now", values, **more), limit)


def _read(row: Mapping[str, Any]) -> DueRow:
    """Read a row. The time of its timers is the slot."""
    at, name = str(row["due"]).split("#", 1)
    slot, whats = int(at), unpack(row["timers"]) if "timers" in row else [name]
    return DueRow(slot, name, tuple(_timer(slot, what) for what in whats))


def _timer(slot: int, what: str) -> Timer:
    kind, msgid, chunk, priority, channel = keys.split(what)
    return Timer(
        slot, TimerKind(kind), ChunkId(msgid, int(chunk)), Priority(int(priority)), channel
    )
