"""Timers: rows of `due`, and Step Functions as the clock that sweeps them.

One execution per slot of the clock's width serves all that is due in it. It is started before the row is put and never sooner than two
widths ahead, so that it cannot sweep before the row is there; an execution that exists already is success. A schedule sweeps too, so
that nothing strands should an execution get lost.
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
REMEMBERED = 4096  # rows that it remembers to have put: a chunk that changes often asks for the same recount again and again

_started: dict[int, None] = {}


class Timers:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._there: dict[
            tuple[int, str], None
        ] = {}  # rows put by this container, which no sweep takes before their slot

    def set(self, timers: Sequence[Timer]) -> None:
        wanted = {(self._slot(timer), timer.what) for timer in timers} - self._there.keys()
        for slot in sorted({slot for slot, _ in wanted}):
            _make_sure_of(slot)
        write_many(table("due"), [_key(what, slot) for slot, what in wanted], key=("shard", "due"))
        self._there.update(dict.fromkeys(wanted))
        while len(self._there) > REMEMBERED:
            del self._there[next(iter(self._there))]

    def row(self, timer: Timer) -> Item:
        """A row to put without a tick of its own: the next sweep after its time will do, at the latest the scheduled one."""
        return _key(timer.what, self._slot(timer))

    def _slot(self, timer: Timer) -> int:
        return slot_of(timer.at, self._clock.now(), settings().clock_width * 1000)

    def due(self, now: int, limit: int) -> Sequence[Timer]:
        found: list[Timer] = []
        for shard in range(SHARDS):
            answer = client("dynamodb").query(
                TableName=table("due"),
                KeyConditionExpression="#shard = :shard AND due <= :now",
                ExpressionAttributeNames={"#shard": "shard"},
                ExpressionAttributeValues=to_item({":shard": shard, ":now": f"{now:013d}~"}),
                Limit=max(1, limit - len(found)),
                ConsistentRead=True,
            )
            found += [_timer(from_item(item)) for item in answer["Items"]]
            if len(found) >= limit:
                break
        return found

    def done(self, timers: Sequence[Timer]) -> None:
        for timer in timers:
            self._there.pop((timer.at, timer.what), None)
        write_many(
            table("due"), (), [_key(timer.what, timer.at) for timer in timers], key=("shard", "due")
        )


def slot_of(at: int, now: int, width: int) -> int:
    """When a timer's row comes due: rounded up to the clock's width, and at least two widths from now."""
    return max(-(-at // width), -(-now // width) + 2) * width


def execution_name(slot: int) -> str:
    """At most 64 characters of [0-9A-Za-z-_]; the same for the same slot."""
    return f"tick-{slot:013d}"


def _make_sure_of(slot: int) -> None:
    if slot in _started:
        return
    from botocore.exceptions import ClientError

    at = (
        datetime.datetime.fromtimestamp(slot / 1000, datetime.UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
    try:
        client("stepfunctions").start_execution(
            stateMachineArn=settings().clock_arn,
            name=execution_name(slot),
            input=json.dumps({"at": at}),
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


def _timer(row: dict[str, object]) -> Timer:
    """The key says it all. `at` is the slot, by which the row is deleted."""
    slot, what = str(row["due"]).split("#", 1)
    kind, msgid, chunk, priority, channel = keys.split(what)
    return Timer(
        int(slot), TimerKind(kind), ChunkId(msgid, int(chunk)), Priority(int(priority)), channel
    )
