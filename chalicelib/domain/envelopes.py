"""Jobs as the texts that queues carry: `{"kind": "deliver", "msgid": …}`.

The adapter of the queues writes them, and the entrypoints read them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from chalicelib.domain.callbacks import Events
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.facts import decode as decode_facts
from chalicelib.domain.facts import encode as encode_facts
from chalicelib.domain.jobs import (
    AnyCallbackJob,
    CallbackJob,
    CallbackReplay,
    CallbackRetry,
    CallbackTest,
    ChannelJob,
    ChunkJob,
    CoverageJob,
    DeliverJob,
    ExportJob,
    FactsJob,
    FileJob,
    ImportJob,
    InteractionsJob,
    PlanJob,
    PollJob,
    Query,
    QueryJob,
    RecallJob,
    ReceiptsJob,
    SegmentJob,
    Timer,
    TimerKind,
    TimersJob,
    WithdrawJob,
)
from chalicelib.domain.plans import ChunkId

AnyJob = ChunkJob | ChannelJob | FileJob | FactsJob | AnyCallbackJob

_PLAIN: Mapping[str, type[Any]] = {
    "plan": PlanJob,
    "withdraw": WithdrawJob,
    "deliver": DeliverJob,
    "recall": RecallJob,
    "poll": PollJob,
    "ask": QueryJob,
    "import": ImportJob,
    "export": ExportJob,
    "coverage": CoverageJob,
    "facts": FactsJob,
    "segment": SegmentJob,
    "callback_retry": CallbackRetry,
    "callback_replay": CallbackReplay,
    "callback_test": CallbackTest,
}
_KINDS: Mapping[type[AnyJob], str] = {
    ReceiptsJob: "receipts",
    TimersJob: "timers",
    CallbackJob: "callbacks",
    InteractionsJob: "interactions",
    **{job_type: name for name, job_type in _PLAIN.items()},
}


def encode(job: AnyJob) -> str:
    """Return compact JSON in ASCII, since SQS refuses some characters.

    The same job always gives the same text.
    """
    return json.dumps({"kind": _KINDS[type(job)], **_fields(job)}, separators=(",", ":"))


def _fields(job: AnyJob) -> Mapping[str, Any]:
    if isinstance(job, TimersJob):
        return {"timers": [_row(timer) for timer in job.timers]}
    if isinstance(job, CallbackJob | InteractionsJob):
        events = [
            [*one.chunk, json.loads(encode_facts(one.facts)), *one.targets] for one in job.events
        ]
        if isinstance(job, InteractionsJob):
            return {"events": events}
        return {"channel_key": job.channel_key, "time": job.time, "events": events}
    return asdict(job)


def decode_chunk_job(text: str) -> ChunkJob:
    """Raise ValueError for a text that is not a job of the queues of chunks."""
    job = _decode(text)
    if not isinstance(job, ChunkJob):
        raise ValueError(f"{type(job).__name__} on a queue of chunks")
    return job


def decode_channel(text: str) -> ChannelJob:
    """Raise ValueError for a text that is not a job of the delivery queues."""
    job = _decode(text)
    if not isinstance(job, ChannelJob):
        raise ValueError(f"{type(job).__name__} on a delivery queue")
    return job


def decode_import(text: str) -> FileJob:
    """Raise ValueError for a text that is not a job of the queue of imports."""
    job = _decode(text)
    if not isinstance(job, FileJob):
        raise ValueError(f"{type(job).__name__} on the queue of imports")
    return job


def decode_facts_job(text: str) -> FactsJob:
    """Raise ValueError for a text that is not a job of the queue of fact files."""
    job = _decode(text)
    if not isinstance(job, FactsJob):
        raise ValueError(f"{type(job).__name__} on the queue of fact files")
    return job


def decode_callback(text: str) -> AnyCallbackJob:
    """Raise ValueError for a text that is not a job of the queue of callbacks."""
    job = _decode(text)
    if not isinstance(job, CallbackJob | CallbackRetry | CallbackReplay | CallbackTest):
        raise ValueError(f"{type(job).__name__} on the queue of callbacks")
    return job


def _decode(text: str) -> AnyJob:
    """Raise ValueError for a job with other fields, so that its queue keeps it.

    Another version wrote such a job.
    """
    try:
        body = json.loads(text)
        kind = body.pop("kind")
        if kind == "timers":
            return TimersJob(tuple(_timer(row) for row in body["timers"]))
        if kind == "receipts":
            posts = {id: _typed("name", name) for id, name in body["posts"].items()}
            return ReceiptsJob(_typed("channel", body["channel"]), posts)
        if kind == "interactions":
            return InteractionsJob(tuple(map(_events, body["events"])))
        if kind == "callbacks":
            events = tuple(map(_events, body.pop("events")))
            return CallbackJob(_typed("channel_key", body["channel_key"]), body["time"], events)
        job: AnyJob = _PLAIN[kind](**{name: _typed(name, value) for name, value in body.items()})
        return job
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise ValueError(f"not a job: {type(error).__name__}") from error


_TEXTS = frozenset(
    {
        *("msgid", "channel", "position", "id", "redirect_uri", "day", "key", "userid"),
        *("channel_key", "group", "batch", "since", "until", "states", "address", "name"),
    }
)


def _typed(name: str, value: Any) -> Any:
    if name == "question":
        return Query(value)
    expected: type = str if name in _TEXTS else bool if name == "again" else int
    if type(value) is not expected:
        raise TypeError(name)
    return value


def _events(row: list[Any]) -> Events:
    msgid, chunk, facts, first, behind = row
    at = ChunkId(_typed("msgid", msgid), _typed("chunk", chunk))
    ends = (_typed("first", first), _typed("behind", behind))
    return Events(at, decode_facts(json.dumps(facts).encode()), ends)


def _row(timer: Timer) -> list[Any]:
    return [
        timer.at,
        timer.kind.value,
        timer.chunk.msgid,
        timer.chunk.number,
        timer.priority.value,
        timer.channel,
    ]


def _timer(row: list[Any]) -> Timer:
    at, kind, msgid, chunk, priority, channel = row
    return Timer(
        _typed("at", at),
        TimerKind(kind),
        ChunkId(_typed("msgid", msgid), _typed("chunk", chunk)),
        Priority(priority),
        _typed("channel", channel),
    )
