"""Queues, stream, clock and schedule, called as Lambda calls them."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator
from typing import Any

import pytest
from chalice.app import Chalice

from chalicelib import config, wiring
from chalicelib.domain import envelopes, keys
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.jobs import (
    ChannelJob,
    ChunkJob,
    DeliverJob,
    PlanJob,
    PollJob,
    Query,
    QueryJob,
    ReceiptsJob,
    Timer,
    TimerKind,
    TimersJob,
)
from chalicelib.domain.plans import ChunkId
from chalicelib.entrypoints.lambdas import queues, streams
from chalicelib.flow import audience, deliver, evaluate, poll, provider_query, receipts, tally
from tests.builders import a_msgid
from tests.fakes.world import FakeWorld

SOURCE = inspect.getsource(queues)

MSGID = a_msgid()
CHUNK = ChunkId(MSGID, 3)
CHECK = Timer(5, TimerKind.CHECK, CHUNK, Priority.HIGH)
RECOUNT = Timer(5, TimerKind.RECOUNT, CHUNK, Priority.LOW)
POLL = Timer(5, TimerKind.POLL, CHUNK, Priority.LOW, "sms1")


class Steps:
    """The calls to the flow."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.fails: dict[str, Exception] = {}

    def record(self, name: str) -> Any:
        def step(world: Any, *arguments: Any) -> None:
            if name in self.fails:
                raise self.fails[name]
            self.done.append((name, *arguments))

        return step

    def of_batch(self, world: Any, job: DeliverJob, name: str) -> None:
        assert envelopes.decode_channel(name) == job
        self.record("deliver")(world, job)


@pytest.fixture
def flow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Steps]:
    recorded = Steps()
    for module, name in (
        (audience, "plan"),
        (evaluate, "check_chunks"),
        (tally, "recount"),
        (tally, "changed"),
        (poll, "poll_channel"),
        (poll, "poll_chunk"),
        (provider_query, "answer"),
        (receipts, "look_again"),
    ):
        monkeypatch.setattr(module, name, recorded.record(name))
    monkeypatch.setattr(deliver.Batch, "deliver", recorded.of_batch)
    wiring.use(FakeWorld().ports)
    yield recorded
    wiring.use(None)


def sqs(*bodies: ChunkJob | ChannelJob | str) -> dict[str, Any]:
    texts = [body if isinstance(body, str) else envelopes.encode(body) for body in bodies]
    return {
        "Records": [
            {"messageId": f"m{n}", "body": t, "receiptHandle": "r", "attributes": {}}
            for n, t in enumerate(texts)
        ]
    }


def failed(answer: Any) -> list[str]:
    assert set(answer) == {"batchItemFailures"}
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def test_the_chunks_consumer_wakes_the_step_of_each_job(flow: Steps) -> None:
    plan, timers = PlanJob(MSGID, 0), TimersJob((CHECK, RECOUNT))
    assert failed(queues.chunks(sqs(plan, timers, TimersJob((RECOUNT,))), None)) == []
    assert flow.done == [
        ("plan", plan),
        ("check_chunks", [CHECK]),
        ("recount", [RECOUNT]),
        ("recount", [RECOUNT]),
    ]


def queue_consumer(channel_type: ChannelType) -> Any:
    """By the name by which Lambda finds it."""
    return getattr(queues, config.deliver_function(channel_type))


@pytest.mark.parametrize("consumer", [queue_consumer(kind) for kind in ChannelType])
def test_a_delivery_consumer_wakes_the_step_of_each_job(flow: Steps, consumer: Any) -> None:
    job, asked, tested, parked = (
        DeliverJob(MSGID, 0, 1, 0, "sms1", 0, 100),
        PollJob("sms1"),
        QueryJob("sms1", Query.CHECK, "0b6f"),
        ReceiptsJob("sms1", {"*a": "post"}),
    )
    assert failed(consumer(sqs(job, asked, tested, parked, TimersJob((POLL,))), None)) == []
    assert flow.done == [
        ("deliver", job),
        ("poll_channel", asked),
        ("answer", tested),
        ("look_again", parked),
        ("poll_chunk", POLL),
    ]


def test_one_job_that_fails_goes_back_alone(flow: Steps) -> None:
    flow.fails["check_chunks"] = RuntimeError("13800138000")
    plan = PlanJob(MSGID, 0)
    assert failed(queues.chunks(sqs(plan, TimersJob((CHECK,)), plan), None)) == ["m1"]
    assert [name for name, *_ in flow.done] == ["plan", "plan"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        '{"kind":"x"}',
        '{"kind":"plan"}',
        '{"kind":"timers","timers":[[1]]}',
        '{"kind":"receipts","channel":"sms1","posts":{"*a":1}}',
        '{"kind":"receipts","channel":"sms1","posts":["*a"]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_job_goes_back_and_is_kept(flow: Steps, text: str) -> None:
    for consumer in (queues.chunks, queue_consumer(ChannelType.APP)):
        assert failed(consumer(sqs(text), None)) == ["m0"]
    assert flow.done == []


def test_a_job_of_another_queue_goes_back(flow: Steps) -> None:
    assert failed(queues.chunks(sqs(PollJob("sms1")), None)) == ["m0"]
    assert failed(queue_consumer(ChannelType.SMS)(sqs(PlanJob(MSGID, 0)), None)) == ["m0"]


def test_a_failure_is_logged_with_its_id_and_without_its_message(
    flow: Steps, capsys: pytest.CaptureFixture[str]
) -> None:
    flow.fails["plan"] = ValueError("13800138000")
    queues.chunks(sqs(PlanJob(MSGID, 0)), None)
    out = capsys.readouterr().out
    line = next(
        line
        for text in out.splitlines()
        if (line := json.loads(text)).get("message") == "job_failed"
    )
    assert (line["message_id"], line["function"]) == ("m0", "chunks")
    assert "ValueError" in line["exception"]
    assert "13800138000" not in out


def stream(*partitions: str) -> dict[str, Any]:
    rows = [
        {"Keys": key, "NewImage": {**key, "tally": {"N": "1"}}, "SequenceNumber": f"{n}"}
        for n, key in enumerate({"pk": {"S": pk}, "sk": {"S": "plan"}} for pk in partitions)
    ]
    return {
        "Records": [
            {
                "eventName": "INSERT",
                "eventSourceARN": "arn:aws:dynamodb:r:1:table/t/stream/1",
                "dynamodb": row,
            }
            for row in rows
        ]
    }


def test_a_batch_of_the_stream_is_one_call_with_each_chunk_once(flow: Steps) -> None:
    """A chunk of a held message tells when its hold ended."""
    one, other = keys.join(MSGID, 1), keys.join(MSGID, 2)
    event = stream(one, other, one, other, one)
    event["Records"][3]["dynamodb"]["NewImage"] = {"start": {"N": "5"}, "tally": {"N": "1"}}
    assert failed(streams.tally(event, None)) == []
    assert flow.done == [("changed", {ChunkId(MSGID, 1): 0, ChunkId(MSGID, 2): 5})]


def test_a_batch_that_fails_is_read_again_from_its_start(flow: Steps) -> None:
    flow.fails["changed"] = RuntimeError()
    assert failed(streams.tally(stream(keys.join(MSGID, 1), keys.join(MSGID, 2)), None)) == ["0"]


def test_an_unreadable_record_is_reported_and_the_others_count(flow: Steps) -> None:
    assert failed(
        streams.tally(
            stream(keys.join(MSGID, 1), "nonsense", keys.join("x", 1), keys.join(MSGID, 2)), None
        )
    ) == ["1"]
    assert flow.done == [("changed", {ChunkId(MSGID, 1): 0, ChunkId(MSGID, 2): 0})]


def test_every_supported_channel_type_has_a_consumer_of_its_own() -> None:
    assert set(queues.DELIVERY) == set(config.SUPPORTED_CHANNEL_TYPES)
    consumers = [queue_consumer(kind) for kind in config.SUPPORTED_CHANNEL_TYPES]
    assert len({*consumers}) == len(consumers)


def test_consumers_are_written_out_under_the_names_that_the_config_makes() -> None:
    """Lambda finds a handler by its name in the module, and people by searching for it."""
    written = {node.name for node in ast.parse(SOURCE).body if isinstance(node, ast.FunctionDef)}
    consumers = {name for name in written if not name.startswith("_")}
    delivers = {config.deliver_function(kind) for kind in config.SUPPORTED_CHANNEL_TYPES}
    assert consumers == {"chunks", *delivers}


@pytest.mark.parametrize("kind", list(ChannelType))
def test_a_consumer_is_registered_for_the_queue_of_its_channel_type(kind: ChannelType) -> None:
    app = Chalice("one")
    app.register_blueprint(queues.DELIVERY[kind])
    (source,) = app.event_sources
    queue = config.queue_name("local", config.delivery_queue(kind, Priority.HIGH))
    name = config.deliver_function(kind)
    assert (source.name, source.queue) == (name, queue)
    assert source.handler_string == f"{queues.__name__}.{name}"
