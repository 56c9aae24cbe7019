"""Jobs as the texts that queues carry: `{"kind": "deliver", "msgid": …}`. Written by the queues' adapter, read by entrypoints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.jobs import (
    AudienceJob,
    ChannelJob,
    DeliverJob,
    ImportJob,
    PlanJob,
    PollJob,
    QueryJob,
    Question,
    RecallJob,
    Timer,
    TimerKind,
    TimersJob,
    WithdrawJob,
)
from chalicelib.domain.plans import ChunkId

AnyJob = AudienceJob | ChannelJob | ImportJob

_PLAIN: Mapping[
    str, type[PlanJob | WithdrawJob | DeliverJob | RecallJob | PollJob | QueryJob | ImportJob]
] = {
    "plan": PlanJob,
    "withdraw": WithdrawJob,
    "deliver": DeliverJob,
    "recall": RecallJob,
    "poll": PollJob,
    "ask": QueryJob,
    "import": ImportJob,
}
_KINDS: Mapping[type[AnyJob], str] = {
    TimersJob: "timers",
    **{kind: name for name, kind in _PLAIN.items()},
}


def encode(job: AnyJob) -> str:
    """Compact JSON, the same for the same job."""
    fields = (
        {"timers": [_row(timer) for timer in job.timers]}
        if isinstance(job, TimersJob)
        else asdict(job)
    )
    return json.dumps(
        {"kind": _KINDS[type(job)], **fields}, separators=(",", ":"), ensure_ascii=False
    )


def decode_audience(text: str) -> AudienceJob:
    """Raises ValueError for what is no job of the audience queues."""
    job = _decode(text)
    if not isinstance(job, PlanJob | WithdrawJob | TimersJob):
        raise ValueError(f"{type(job).__name__} on an audience queue")
    return job


def decode_channel(text: str) -> ChannelJob:
    """Raises ValueError for what is no job of the delivery queues."""
    job = _decode(text)
    if not isinstance(job, DeliverJob | RecallJob | PollJob | QueryJob | TimersJob):
        raise ValueError(f"{type(job).__name__} on a delivery queue")
    return job


def decode_import(text: str) -> ImportJob:
    """Raises ValueError for what is no job of the queue of imports."""
    job = _decode(text)
    if not isinstance(job, ImportJob):
        raise ValueError(f"{type(job).__name__} on the queue of imports")
    return job


def _decode(text: str) -> AnyJob:
    """A job whose fields have another shape was written by another version: an error, so that the message is kept."""
    try:
        body = json.loads(text)
        kind = body.pop("kind")
        if kind == "timers":
            return TimersJob(tuple(_timer(row) for row in body["timers"]))
        return _PLAIN[kind](**{name: _typed(name, value) for name, value in body.items()})
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise ValueError(f"not a job: {type(error).__name__}") from error


_TEXTS = frozenset({"msgid", "channel", "position", "id", "redirect_uri", "day"})


def _typed(name: str, value: Any) -> Any:
    if name == "question":
        return Question(value)
    expected = str if name in _TEXTS else int
    if type(value) is not expected:
        raise TypeError(name)
    return value


def _row(timer: Timer) -> list[Any]:
    return [
        timer.at,
        timer.kind.value,
        timer.chunk.msgid,
        timer.chunk.chunk,
        timer.priority.value,
        timer.channel,
    ]


def _timer(row: list[Any]) -> Timer:
    at, kind, msgid, chunk, priority, channel = row
    place = ChunkId(_typed("msgid", msgid), _typed("chunk", chunk))
    return Timer(
        _typed("at", at), TimerKind(kind), place, Priority(priority), _typed("channel", channel)
    )
