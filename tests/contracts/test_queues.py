"""Queues: every job arrives as it was sent, on the queue of its type and priority."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib import config
from chalicelib.aws.queue_reader import WAIT, QueueReader
from chalicelib.aws.queues import NotSent
from chalicelib.domain import envelopes
from chalicelib.domain.callbacks import Events
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.jobs import (
    DeliverJob,
    Envelope,
    ImportJob,
    InteractionsJob,
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
from chalicelib.ports import World
from tests.contracts import faults
from tests.contracts.conftest import a_message
from tests.fakes.queues import FakeQueues

Received = list[tuple[str, str]]  # (queue, job as text)


@pytest.fixture
def receive(request: pytest.FixtureRequest, world: World) -> Callable[[], Received]:
    """Take and return the messages of the queues."""
    if isinstance(world.queues, FakeQueues):
        fake = world.queues
        return lambda: [(_name(e), envelopes.encode(e.job)) for e in iter(fake.take, None)]
    found: Callable[[], Received] = request.getfixturevalue("receive_real")
    return found


@pytest.fixture
def receive_real(aws: Callable[[str], Any]) -> Callable[[], Received]:
    list(_receive_all(aws))
    return lambda: list(_receive_all(aws))


def _name(envelope: Envelope) -> str:
    if isinstance(envelope.job, ImportJob):
        return config.imports_queue()
    kind = envelope.channel_type
    if envelope.worker:
        return config.worker_queue(envelope.worker, envelope.priority)
    return (
        config.delivery_queue(kind, envelope.priority)
        if kind
        else config.chunks_queue(envelope.priority)
    )


def _receive_all(aws: Callable[[str], Any]) -> Iterator[tuple[str, str]]:
    sqs = aws("sqs")
    for url in sqs.list_queues().get("QueueUrls", []):
        while messages := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0
        ).get("Messages", []):
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                yield (
                    url.rsplit("/", 1)[1].removeprefix(
                        config.queue_name(config.settings().stage, "")
                    ),
                    message["Body"],
                )


def test_each_job_arrives_on_its_queue(world: World, receive: Callable[[], Received]) -> None:
    msgid = a_message().msgid
    timer = Timer(1_700_000_000_000, TimerKind.POLL, ChunkId(msgid, 1), Priority.LOW, "p#1")
    sent = [
        Envelope(PlanJob(msgid, 3, "1500"), Priority.HIGH, None, "shop"),
        Envelope(
            DeliverJob(msgid, 0, 1, 2, "text", 0, 100, 3), Priority.LOW, ChannelType.SMS, "shop"
        ),
        Envelope(PollJob("push"), Priority.MEDIUM, ChannelType.APP, "push"),
        Envelope(QueryJob("push", Query.CHECK, "0b6f"), Priority.HIGH, ChannelType.APP, "push"),
        Envelope(ReceiptsJob("push", {"*0b": "said_6f"}), Priority.MEDIUM, ChannelType.APP, "push"),
        Envelope(TimersJob((timer,)), Priority.LOW, ChannelType.APP, "poll"),
        Envelope(TimersJob((timer,) * 2), Priority.LOW, None, "look"),
        Envelope(ImportJob(msgid), Priority.LOW, None, "imports"),
        Envelope(
            DeliverJob(msgid, 0, 0, 0, "w", 0, 99),
            Priority.HIGH,
            ChannelType.SMS,
            "shop",
            worker="cmpp",
        ),
    ]
    world.queues.send(sent)
    assert sorted(receive()) == sorted((_name(e), envelopes.encode(e.job)) for e in sent)
    world.queues.send([])
    assert receive() == []


def test_more_jobs_than_a_batch_takes_all_arrive(
    world: World, receive: Callable[[], Received]
) -> None:
    msgid = a_message().msgid
    sent = [
        Envelope(PlanJob(msgid, n), Priority(n % 3 + 1), None, f"tenant-{n % 2}") for n in range(47)
    ]
    world.queues.send(sent)
    assert sorted(receive()) == sorted((_name(e), envelopes.encode(e.job)) for e in sent)


def test_texts_of_providers_arrive_whatever_characters_they_have(
    world: World, receive: Callable[[], Received]
) -> None:
    """SQS refuses U+FFFE and U+FFFF, and a code of a receipt may hold them."""
    fact = Fact(DeliveryRef(0, "mail", 0), FactKind.BOUNCED, 1, "失败\ufffe\uffff")
    events = (Events(ChunkId(a_message().msgid, 0), (fact,)),)
    world.queues.send([Envelope(InteractionsJob(events), Priority.LOW, None, "shop")])
    ((_, text),) = receive()
    assert envelopes.decode_chunk_job(text) == InteractionsJob(events)


def test_a_delayed_job_is_not_there_yet(world: World, receive: Callable[[], Received]) -> None:
    world.queues.send(
        [Envelope(PollJob("push"), Priority.MEDIUM, ChannelType.APP, "push", delay=900)]
    )
    assert receive() == []


# -- what only AWS does


def some_jobs(number: int) -> list[Envelope]:
    """Each with its own delay, and none before the other tests are over, which share the queues."""
    return [
        Envelope(PollJob(f"c{n}"), Priority.MEDIUM, ChannelType.APP, f"group-{n}", delay=900 - n)
        for n in range(number)
    ]


def test_ten_jobs_are_one_call_with_group_and_delay(real: World, aws: Callable[[str], Any]) -> None:
    with faults.answered(aws("sqs"), "SendMessageBatch") as seen:
        real.queues.send(some_jobs(12))
    assert [len(asked["Entries"]) for asked in seen] == [10, 2]
    assert [e["MessageGroupId"] for e in seen[0]["Entries"]] == [f"group-{n}" for n in range(10)]
    assert [e.get("DelaySeconds", 0) for e in seen[0]["Entries"]] == list(range(900, 890, -1))
    assert len({e["Id"] for e in seen[0]["Entries"]}) == 10


def test_jobs_are_handed_back_with_their_group(real: World, aws: Callable[[str], Any]) -> None:
    with faults.answered(aws("sqs"), "SendMessageBatch") as seen:
        name = config.delivery_queue(ChannelType.APP, Priority.MEDIUM)
        queue = config.queue_name(config.settings().stage, name)
        real.queues.hand_back(queue, [("shop", f"{n}") for n in range(11)])
    assert [len(asked["Entries"]) for asked in seen] == [10, 1]
    assert seen[0]["QueueUrl"].endswith("/" + queue)
    assert seen[1]["Entries"][0]["MessageBody"] == "10"
    assert {e["MessageGroupId"] for asked in seen for e in asked["Entries"]} == {"shop"}


def failing(asked: Any, *, fault: bool = False) -> Any:
    """The first of a batch fails, the others are sent."""
    first, *others = asked["Entries"]
    ok = [
        {"Id": e["Id"], "MessageId": "m", "MD5OfMessageBody": _md5(e["MessageBody"])}
        for e in others
    ]
    return {
        "Successful": ok,
        "Failed": [
            {"Id": first["Id"], "SenderFault": fault, "Code": "InternalError", "Message": "no"}
        ],
    }


def _md5(text: str) -> str:
    import hashlib

    return hashlib.md5(text.encode()).hexdigest()


def test_what_sqs_did_not_take_is_sent_again_and_nothing_else(
    real: World, aws: Callable[[str], Any]
) -> None:
    with faults.answered(aws("sqs"), "SendMessageBatch", failing) as seen:
        real.queues.send(some_jobs(3))
    assert [
        [json.loads(e["MessageBody"])["channel"] for e in asked["Entries"]] for asked in seen
    ] == [["c0", "c1", "c2"], ["c0"]]


def test_what_sqs_never_takes_is_an_error(real: World, aws: Callable[[str], Any]) -> None:
    with faults.answered(aws("sqs"), "SendMessageBatch", *[failing] * 20), pytest.raises(NotSent):
        real.queues.send(some_jobs(1))


def test_a_job_that_the_stage_has_no_queue_for_keeps_no_other_back(
    real: World,
    receive_real: Callable[[], Received],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("CHANNEL_TYPES", "app")
    monkeypatch.setenv("WORKERS", "")
    config.settings.cache_clear()
    job = DeliverJob(a_message().msgid, 0, 0, 0, "w", 0, 99)
    one = Envelope(PollJob("app"), Priority.HIGH, ChannelType.APP, "app")
    real.queues.send(
        [
            Envelope(PollJob("sms"), Priority.HIGH, ChannelType.SMS, "sms"),
            Envelope(job, Priority.HIGH, ChannelType.APP, "shop", worker="cmpp"),
            one,
        ]
    )
    assert receive_real() == [(_name(one), envelopes.encode(one.job))]
    assert [
        record.__dict__["queue"]
        for record in caplog.records
        if record.message == "job_without_queue"
    ] == ["sms-1", "cmpp-1"]


def test_a_worker_receives_a_job_until_it_is_done(real: World, aws: Callable[[str], Any]) -> None:
    list(_receive_all(aws))
    box = QueueReader(config.worker_queue("cmpp", Priority.HIGH), wait=0)
    assert box.receive() == []
    job = DeliverJob(a_message().msgid, 0, 0, 0, "w", 0, 99)
    real.queues.send([Envelope(job, Priority.HIGH, ChannelType.SMS, "shop", worker="cmpp")] * 2)
    first, second = *box.receive(), *box.receive()
    assert [envelopes.decode_channel(message.body) for message in (first, second)] == [job, job]
    assert first.receives == 1
    assert box.receive() == []
    for message in (first, second):
        box.done(message)


def test_a_question_to_a_queue_ends_before_the_clients_patience() -> None:
    assert WAIT < 10
