"""Deliveries that a provider puts off starve no others. Those it was not offered count no try."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.facts import FactKind
from chalicelib.domain.provider_io import Answer, Outcome, OutgoingCall
from chalicelib.flow import deliver, withdraw
from chalicelib.flow.delivery.calls import MAX_ATTEMPTS
from chalicelib.flow.dispatch import open_calls_of_all_steps
from tests.builders import SHOP, a_channel
from tests.fakes.world import FakeWorld
from tests.flow.delivery.mails import planned

BATCH = 2  # mails that a slow server takes in the time of a call


class SlowServer:
    """A server that takes two mails of a call, and greylists some people."""

    def __init__(self, fake: FakeWorld, *greylisted: str) -> None:
        self.fake, self.greylisted = fake, greylisted
        self.offered: list[tuple[int, str]] = []  # when (s), to whom
        self.sent: Counter[str] = Counter()
        fake.settings.put_channel(a_channel("mail"))
        fake.providers.mail.instead = self._take

    def _take(self, call: OutgoingCall) -> Answer:
        outcomes = [Outcome(code="out_of_time", later=True, untried=True)] * len(call.recipients)
        for n, recipient in enumerate(call.recipients[:BATCH]):
            self.offered.append((self.fake.clock.now() // 1000, recipient.contact))
            is_greylisted = recipient.contact in self.greylisted
            outcomes[n] = Outcome(code="451", later=True) if is_greylisted else Outcome()
            self.sent[recipient.contact] += not is_greylisted
        return Answer(outcomes)

    def work(self, jobs: int = 400) -> None:
        for _ in range(jobs):
            due = self.fake.queues.next()
            if due is None:
                return
            self.fake.clock.time = max(self.fake.clock.now(), due)
            envelope = self.fake.queues.take()
            assert envelope is not None
            if envelope.channel_type is not None:
                deliver.deliver(self.fake.ports, envelope.job)  # type: ignore[arg-type]


def test_a_server_too_slow_for_its_calls_reaches_everybody_once() -> None:
    """Thirteen passes, more than the attempts at a delivery that a server puts off."""
    fake = FakeWorld()
    server = SlowServer(fake)
    _, job = planned(fake, 25)
    deliver.deliver(fake.ports, job)
    server.work()
    assert -(-25 // BATCH) > MAX_ATTEMPTS
    assert len(server.sent) == 25
    assert set(server.sent.values()) == {1}


def test_those_who_are_put_off_wait_alone_and_ever_longer() -> None:
    fake = FakeWorld()
    bad = "u000@example.com"
    server = SlowServer(fake, bad)
    _, job = planned(fake, 25)
    deliver.deliver(fake.ports, job)
    server.work()
    assert server.sent.total() == 24
    times = [at for at, contact in server.offered if contact == bad]
    pauses = [after - before for before, after in pairwise(times)]
    assert len(times) == MAX_ATTEMPTS
    assert pauses == [2**n for n in range(1, MAX_ATTEMPTS)]
    (id,) = fake.ledger.partitions
    chunk = fake.ledger.chunk(id)
    assert chunk is not None
    failed = [f for state in chunk.states.values() for f in state.facts.values() if f.code == "451"]
    assert [(fact.kind, fact.ref.target) for fact in failed] == [(FactKind.SUBMIT_FAILED, 0)]


def test_calls_that_went_on_apart_are_withdrawn_together() -> None:
    fake = FakeWorld()
    SlowServer(fake, "u000@example.com")
    message, job = planned(fake, 25)
    deliver.deliver(fake.ports, job)
    (id,) = fake.ledger.partitions
    chunk = fake.ledger.chunk(id)
    assert chunk is not None
    parts = list(open_calls_of_all_steps(message, chunk))
    assert [(len(call.refs), call.tries) for call in parts] == [(23, 0), (1, 1)]
    assert len({call.key for call in parts}) == 2
    withdraw.withdraw(fake.ports, SHOP, message.msgid)
    withdraw.withdraw_chunk(fake.ports, message, chunk)
    chunk = fake.ledger.chunk(id)
    assert chunk is not None
    assert sum(state.has(FactKind.WITHDRAWN) for state in chunk.states.values()) >= 24


def test_a_call_that_failed_as_a_whole_begins_with_another_recipient() -> None:
    fake = FakeWorld()
    fake.settings.put_channel(a_channel("mail"))
    fake.providers.mail.fail(*[Unavailable("421")] * 3)
    _, job = planned(fake, 25)
    deliver.deliver(fake.ports, job)
    while (due := fake.queues.next()) is not None:
        fake.clock.time = max(fake.clock.now(), due)
        envelope = fake.queues.take()
        assert envelope is not None
        deliver.deliver(fake.ports, envelope.job)  # type: ignore[arg-type]
    assert [call.turn for call in fake.providers.mail.calls] == [0, 1, 2, 3]
