"""The worker over the sandbox's gateway and a world in memory: from the queue to the ledger."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain import envelopes
from chalicelib.domain.delivery_channels import (
    DELIVERY_CHANNELS,
    ChannelType,
    OnUncertain,
    Priority,
)
from chalicelib.domain.facts import FactKind
from chalicelib.domain.jobs import DeliverJob, PollJob, Query, QueryJob
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Account
from chalicelib.entrypoints.workers import cmpp
from chalicelib.entrypoints.workers.cmpp import Pauses, Worker
from chalicelib.flow import dispatch, provider_query
from chalicelib.ports import QueueMessage
from chalicelib.providers.sms.cmpp.provider import Cmpp
from chalicelib.web.egress import Policy
from tests.builders import a_channel, a_message, a_plan, a_user, at_once
from tests.fakes.world import FakeWorld
from tests.liveness import GIVES_UP, PATIENCE, eventually
from tests.providers.sandboxes import Sandbox, running

CODE, ACCOUNT = "cmpp1", "900001"
PAUSES = Pauses(refresh=0.1, store_again=(0.0,), after_failure=0.05)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running("--late", "1") as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _fresh(sandbox: Sandbox) -> None:
    sandbox.clear()
    sandbox.register("cmpp", ACCOUNT)


class Queue:
    """An inbox in memory. What is received and not done is kept in `held`."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.held: dict[str, str] = {}
        self.done_: list[str] = []
        self._lock = threading.Lock()
        self.breaks = 0

    def receive(self) -> Sequence[QueueMessage]:
        with self._lock:
            if self.breaks:
                self.breaks -= 1
                raise OSError("no queue")
            if self.waiting:
                number = str(len(self.held) + len(self.done_))
                self.held[number] = self.waiting.pop(0)
                return [QueueMessage(number, self.held[number], number, 1)]
        time.sleep(0.02)
        return []

    def done(self, message: QueueMessage) -> None:
        with self._lock:
            self.done_.append(self.held.pop(message.handle))


class Office:
    """A worker with all that it stands on."""

    def __init__(self, sandbox: Sandbox, timeout: float = PATIENCE, **options: Any) -> None:
        self.sandbox, self.fake, self.timeout = sandbox, FakeWorld(), timeout
        self.queues = {priority: Queue() for priority in Priority}
        where = {
            "server": "127.0.0.1",
            "port": sandbox.about["cmpp_port"],
            "access_number": "10690001",
            **options,
        }
        login = {"account": ACCOUNT, "password": "secret"}
        self.fake.settings.put_channel(
            a_channel(
                CODE,
                ChannelType.SMS,
                platform="cmpp",
                options=where,
                sealed_credentials=self.fake.credentials.seal_credentials(login),
            )
        )
        self.worker = self.hire()

    def hire(self) -> Worker:
        own = Cmpp(Policy(("127.0.0.1",)), self.timeout)
        return Worker(self.fake.ports, own, self.queues, self.timeout, PAUSES)

    @contextmanager
    def open(self) -> Iterator[Office]:
        thread = threading.Thread(target=self.worker.run)
        thread.start()
        try:
            eventually(lambda: self.sandbox.get("cmpp")["connections"].get(ACCOUNT))
            yield self
        finally:
            self.worker.stopping.set()
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def message(self, numbers: Sequence[str], text: str = "hello", number: int = 1) -> Message:
        users = [a_user(f"u{n}", text=phone) for n, phone in enumerate(numbers)]
        message = a_message(
            *(user.userid for user in users),
            number=number,
            strategy=at_once("sms"),
            channels={CODE: ChannelType.SMS},
            call_sizes={CODE: 99},
            contents={CODE: {"content": text}},
            workers={CODE: "cmpp"},
        )
        self.fake.messages.has(message)
        self.fake.ledger.put_plan(a_plan(message, users=users), message)
        return message

    def send(self, message: Message, priority: Priority = Priority.HIGH) -> None:
        chunk = self.fake.ledger.chunk(ChunkId(message.msgid, 0))
        assert chunk is not None
        jobs = dispatch.jobs(message, chunk, 0, 0)
        assert {job.worker for job in jobs} == {"cmpp"}
        self.queues[priority].waiting += [envelopes.encode(job.job) for job in jobs]

    def kinds(self, message: Message) -> list[set[FactKind]]:
        """The facts of each delivery."""
        with self.worker.turn.taken():
            chunk = self.fake.ledger.chunk(ChunkId(message.msgid, 0))
        assert chunk is not None
        return [set(known.facts) for _, known in sorted(chunk.states.items())]


DONE = {FactKind.SUBMITTED, FactKind.DELIVERED}


def phone(n: int, digits: str = "1111") -> str:
    return f"139{n:04d}{digits}"


@pytest.mark.parametrize("options", [{"version": "2.0"}, {"version": "3.0", "connections": 3}])
@pytest.mark.parametrize(
    "account",
    [
        {},
        {"consecutive_ids": 1},
        {"report_bytes": 60},
        {"report_bytes": 71},
        {"other_connection": 1},
    ],
)
def test_a_job_becomes_a_submit_and_its_reports_facts(
    sandbox: Sandbox, options: dict[str, Any], account: dict[str, int]
) -> None:
    sandbox.register("cmpp", ACCOUNT, **account)
    with Office(sandbox, **options).open() as office:
        message = office.message([phone(n) for n in range(30)])
        office.send(message)
        eventually(lambda: office.kinds(message) == [DONE] * 30)
        assert sum(office.sandbox.get("sends", provider="cmpp").values()) == 30
        eventually(lambda: office.queues[Priority.HIGH].done_)
        eventually(lambda: sandbox.get("cmpp")["acknowledged"] == 30)


@pytest.mark.parametrize("digits", ["1111", "0006"])
def test_a_long_message_is_delivered_when_all_its_parts_are(sandbox: Sandbox, digits: str) -> None:
    """`0006`: the reports come before the answers, and again."""
    with Office(sandbox, version="3.0").open() as office:
        message = office.message([phone(1, digits), phone(2, digits)], "你" * 200)
        office.send(message)
        eventually(lambda: office.kinds(message) == [DONE] * 2)


@pytest.mark.parametrize(
    ("digits", "kinds"),
    [
        ("0001", {FactKind.INVALID_TARGET}),
        ("0002", {FactKind.SUBMITTED, FactKind.DELIVERY_FAILED}),
        ("0003", {FactKind.SUBMITTED}),
        ("0004", DONE),
        ("0006", DONE),
        ("0007", {FactKind.UNKNOWN}),
    ],
)
def test_what_a_gateway_does_with_a_number_is_told_of_its_delivery(
    sandbox: Sandbox, digits: str, kinds: set[FactKind]
) -> None:
    timeout = GIVES_UP if FactKind.UNKNOWN in kinds else PATIENCE
    with Office(sandbox, timeout, connections=2).open() as office:
        message = office.message([phone(5, digits)])
        office.send(message)
        eventually(lambda: office.kinds(message) == [kinds])


def test_what_is_throttled_comes_back_by_the_workers_own_queue(sandbox: Sandbox) -> None:
    with Office(sandbox).open() as office:
        message = office.message([phone(6, "0008")])
        office.send(message)
        (again,) = eventually(lambda: office.fake.queues.sent)
        assert (again.worker, again.channel_type) == ("cmpp", ChannelType.SMS)
        office.queues[Priority.HIGH].waiting.append(envelopes.encode(again.job))
        eventually(lambda: office.kinds(message) == [DONE])


def test_connections_that_are_cut_come_back_and_nothing_is_lost(sandbox: Sandbox) -> None:
    """A report that was not answered comes again on the new connection."""
    with Office(sandbox, connections=2).open() as office:
        message = office.message([phone(n, "0004") for n in range(10)])  # reported a second later
        office.send(message)
        eventually(lambda: office.queues[Priority.HIGH].done_)
        assert (
            sandbox.ask("POST", "/_sandbox/cmpp/cut", json={"account": ACCOUNT}).json()["cut"] >= 1
        )
        eventually(lambda: office.kinds(message) == [DONE] * 10)


def test_reports_are_answered_only_when_they_are_stored(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Office(sandbox).open() as office:
        failures: list[Any] = []
        broken = [True]
        add_all = office.fake.ledger.add_all

        def add(bundles: Any) -> None:
            if broken[0]:
                failures.append(bundles)
                raise OSError("no ledger")
            add_all(bundles)

        monkeypatch.setattr(office.fake.ledger, "add_all", add)
        message = office.message([phone(7)])
        office.send(message)
        eventually(lambda: office.kinds(message) == [{FactKind.SUBMITTED}])
        eventually(lambda: len(failures) >= 2)
        assert sandbox.get("cmpp")["acknowledged"] == 0
        broken[0] = False
        eventually(lambda: office.kinds(message) == [DONE])
        eventually(lambda: sandbox.get("cmpp")["acknowledged"] == 1)


def test_a_worker_that_is_stopped_finishes_what_it_has_in_hand_and_says_goodbye(
    sandbox: Sandbox,
) -> None:
    sandbox.register("cmpp", ACCOUNT, answer_delay=0.5)
    office = Office(sandbox)
    message = office.message([phone(8)])
    with office.open():
        office.send(message)
        eventually(lambda: office.queues[Priority.HIGH].held)
    assert office.queues[Priority.HIGH].done_
    assert FactKind.SUBMITTED in office.kinds(message)[0]
    assert sandbox.get("cmpp")["connections"] == {}


def test_small_jobs_do_not_wait_for_big_ones(sandbox: Sandbox) -> None:
    with Office(sandbox).open() as office:
        low, threads = office.queues[Priority.LOW], cmpp.THREADS[Priority.LOW]
        for n in range(threads):  # of numbers that are never answered
            office.send(office.message([phone(100 + n, "0007")], number=10 + n), Priority.LOW)
        eventually(lambda: len(low.held) == threads)
        urgent = office.message([phone(9)], number=2)
        office.send(urgent)
        eventually(lambda: FactKind.SUBMITTED in (office.kinds(urgent) or [set()])[0])
        assert len(low.held) == threads
        eventually(lambda: all(sandbox.outcomes(phone(100 + n, "0007")) for n in range(threads)))
        sandbox.ask("POST", "/_sandbox/cmpp/cut", json={"account": ACCOUNT})


def test_a_new_channel_is_connected_to_without_a_restart(sandbox: Sandbox) -> None:
    sandbox.register("cmpp", "900002")
    with Office(sandbox).open() as office:
        where = {
            "server": "127.0.0.1",
            "port": sandbox.about["cmpp_port"],
            "access_number": "10690002",
        }
        sealed = office.fake.credentials.seal_credentials(
            {"account": "900002", "password": "secret"}
        )
        with office.worker.turn.taken():
            office.fake.settings.put_channel(
                a_channel(
                    "cmpp2",
                    ChannelType.SMS,
                    platform="cmpp",
                    options=where,
                    sealed_credentials=sealed,
                    number=77,
                )
            )
        eventually(lambda: sandbox.get("cmpp")["connections"].get("900002") == 1)


def test_settings_that_a_job_still_knew_do_not_stay(sandbox: Sandbox) -> None:
    """A job may hold old settings of the channel. The next read of the settings corrects that."""
    office = Office(sandbox, timeout=0.2)
    worker = office.worker
    old = office.fake.settings.channel(CODE)
    assert old is not None
    new = replace(old, options={**old.options, "access_number": "10690002"}, version=2)
    office.fake.settings.update_channel(old, new)
    login = office.fake.credentials.open_credentials(old.sealed_credentials)
    worker._refresh()
    worker.shared.keep(Account(CODE, login, old.options))
    worker._refresh()
    assert worker.shared.gateways[CODE].settings.access_number == "10690002"
    worker.shared.stop()


def test_a_channel_that_was_deleted_is_left(sandbox: Sandbox) -> None:
    with Office(sandbox, timeout=0.5).open() as office:
        with office.worker.turn.taken():
            del office.fake.records.of(DELIVERY_CHANNELS).stored[CODE]
        eventually(lambda: sandbox.get("cmpp")["connections"] == {})


def test_a_channel_that_cannot_be_opened_keeps_no_other_from_it(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(sandbox)
    office.fake.settings.put_channel(
        a_channel(
            "aaa",
            ChannelType.SMS,
            platform="cmpp",
            options={},
            sealed_credentials="not sealed by us",
            number=77,
        )
    )
    with office.open():
        assert sandbox.get("cmpp")["connections"] == {ACCOUNT: 1}


def test_a_report_that_comes_when_the_worker_stops_is_told_to_the_next_one(
    sandbox: Sandbox,
) -> None:
    """`late`: a second after the message. The first worker stores only that it was submitted."""
    office = Office(sandbox)
    message = office.message([phone(14, "0004")])
    with office.open():
        office.send(message)
        eventually(lambda: FactKind.SUBMITTED in (office.kinds(message) or [set()])[0])
        office.worker.incoming.put(
            None
        )  # nothing is stored any more, as between the end of the reader and of the connections
        eventually(lambda: not office.worker.incoming.empty())
    assert office.kinds(message) == [{FactKind.SUBMITTED}]
    assert sandbox.get("cmpp")["acknowledged"] == 0
    office.worker = office.hire()
    with office.open():
        eventually(lambda: office.kinds(message) == [DONE])
        eventually(lambda: sandbox.get("cmpp")["acknowledged"] == 1)


def test_replies_are_given_to_the_flow_and_answered(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(
        cmpp.receipts,
        "record_replies",
        lambda world, code, replies: seen.extend((code, r.contact, r.text) for r in replies),
    )
    with Office(sandbox).open():
        sandbox.ask(
            "POST",
            "/_sandbox/cmpp/reply",
            json={"account": ACCOUNT, "from": phone(1), "text": "退订"},
        )
        eventually(lambda: seen == [(CODE, phone(1), "退订")])
        eventually(lambda: sandbox.get("cmpp")["acknowledged"] == 1)


def test_what_is_no_job_of_this_worker_stays_in_the_queue(sandbox: Sandbox) -> None:
    with Office(sandbox).open() as office:
        queue = office.queues[Priority.MEDIUM]
        queue.waiting += [
            "{",
            envelopes.encode(PollJob(CODE)),
            envelopes.encode(DeliverJob("m" * 16, 0, 0, 0, CODE, 0, 1)),
        ]
        eventually(
            lambda: len(queue.held) == 2 and len(queue.done_) == 1
        )  # of a message that is gone, nothing is left to do


def test_a_question_of_the_api_is_answered_over_the_open_connections(sandbox: Sandbox) -> None:
    with Office(sandbox).open() as office:
        office.queues[Priority.HIGH].waiting.append(
            envelopes.encode(QueryJob(CODE, Query.CHECK, "a" * 32))
        )
        eventually(lambda: len(office.queues[Priority.HIGH].done_) == 1)
        assert provider_query.result(office.fake.ports, "a" * 32) == provider_query.QueryResult()


def test_a_queue_that_breaks_is_asked_again(sandbox: Sandbox) -> None:
    office = Office(sandbox)
    office.queues[Priority.HIGH].breaks = 10
    message = office.message([phone(11)])
    with office.open():
        office.send(message)
        eventually(lambda: office.kinds(message) == [DONE])


def test_an_operator_may_have_calls_without_an_answer_sent_again(sandbox: Sandbox) -> None:
    with Office(sandbox, GIVES_UP).open() as office:
        with office.worker.turn.taken():
            stored = office.fake.records.of(DELIVERY_CHANNELS).stored[CODE]
            object.__setattr__(stored, "on_uncertain", OnUncertain.RESEND)
        message = office.message([phone(12, "0007")])
        office.send(message)
        (again,) = eventually(lambda: office.fake.queues.sent)
        office.queues[Priority.HIGH].waiting.append(envelopes.encode(again.job))
        eventually(lambda: any(kinds >= DONE for kinds in office.kinds(message)))
        assert sandbox.sends(phone(12, "0007")) == 2


def test_whoever_waits_for_a_gateway_lets_others_work() -> None:
    turn, order = cmpp.Turn(), []

    def other() -> None:
        with turn.taken():
            order.append("other")

    with turn.taken():
        thread = threading.Thread(target=other)
        thread.start()
        with turn.away():
            _until(lambda: order == ["other"])
        order.append("back")
    thread.join()
    assert order == ["other", "back"]


def _until(true: Callable[[], bool]) -> None:
    eventually(true)
