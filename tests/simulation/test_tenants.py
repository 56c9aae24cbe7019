"""The worst tenant does not make priority 1 of another more than twice as slow.

One tenant sends a mail each second. The other does the worst that it may, at the same priority of
the same function. Times are the simulation's own, so the verdict depends on no machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from statistics import quantiles

import pytest

from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.jobs import DeliverJob, Envelope
from chalicelib.domain.plans import CallState
from chalicelib.domain.provider_io import Answer, Outcome, OutgoingCall
from chalicelib.domain.slowness import LONG
from tests.builders import a_channel, a_message, a_plan, at_once
from tests.simulation.workers import Function

SECONDS = 180
BANK, MALL = "bank", "mall"  # the tenant that sends codes, and the worst tenant
BURST = 3  # jobs for each worker with which the worst tenant begins
USUAL = 0.3  # seconds of one mail at a provider that works well
FILES = [f"https://slow.example.org/{n}.pdf" for n in range(10)]


@dataclass(frozen=True)
class Stage:
    """The figures of a stage in .chalice/config.json: workers of priority 1, and its times."""

    workers: int
    seconds: int
    exchange: float


PROD, LOCAL = Stage(40, 60, 10), Stage(4, 10, 2)


class Tenants:
    """Two tenants, each with a delivery channel of its own.

    `pace`: seconds that the worst tenant's provider takes for a mail.
    """

    def __init__(self, stage: Stage, pace: float) -> None:
        self.function, self.pace = Function(stage.workers, stage.seconds, stage.exchange), pace
        self.fake, self.clock = self.function.fake, self.function.clock
        self.stage, self._number = stage, 0
        self.begun: dict[str, int] = {}  # when a message was sent (ms)
        self.times: list[float] = []  # seconds until the bank's messages were taken
        provider = self.fake.providers.mail
        provider.can(exchanges=2, preparation=2)
        provider.instead = self._take
        self.fake.files.on_fetch = self._fetch
        self.fake.files.elsewhere |= dict.fromkeys(FILES, b"pdf")
        for code in (BANK, MALL):
            self.fake.settings.put_channel(a_channel(code, ChannelType.EMAIL, platform="mail"))

    def _fetch(self, most: float) -> None:
        """Answer too late."""
        self.clock.advance(min(most, self.stage.exchange))
        raise Unavailable("timeout")

    def _take(self, call: OutgoingCall) -> Answer:
        """Take mails one after another while the call has time, as the provider of mails does."""
        is_bank, begun = call.msgid in self.begun, self.clock.now()
        outcomes = [Outcome(code="out_of_time", later=True, untried=True)] * len(call.recipients)
        for n in range(len(call.recipients)):
            passed = (self.clock.now() - begun) / 1000
            if n and passed > min(call.time.begin, call.time.end - 2 * self.stage.exchange):
                break
            self.clock.advance(USUAL if is_bank else self.pace)
            outcomes[n] = Outcome()
        if is_bank:
            self.times.append((self.clock.now() - self.begun[call.msgid]) / 1000)
        return Answer(outcomes)

    def send(self, tenant: str, people: int = 1, files: bool = False) -> None:
        self._number += 1
        content = {"text": "t", **({"files": FILES} if files else {})}
        message = a_message(
            *(f"{tenant}{n}" for n in range(people)),
            number=self._number,
            accepted=self.clock.now(),
            strategy=at_once("email"),
            channel_key=tenant,
            priority=Priority.HIGH,
            channels={tenant: ChannelType.EMAIL},
            call_sizes={tenant: 25},
            contents={tenant: content},
        )
        self.fake.messages.has(message)
        self.fake.ledger.put_plan(a_plan(message), message)
        if tenant == BANK:
            self.begun[message.msgid] = self.clock.now()
        for start in range(0, people, 100):
            job = DeliverJob(message.msgid, 0, 0, 0, tenant, start, min(start + 100, people))
            self.fake.queues.send([Envelope(job, Priority.HIGH, ChannelType.EMAIL, tenant)])

    def run(self, worst: Callable[[Tenants, int], None]) -> list[float]:
        """Return the seconds that each mail of the bank took, while the other does its worst."""
        for second in range(SECONDS):
            worst(self, second)
            self.send(BANK)
            self.clock.advance(1)
        self.clock.advance(self.stage.seconds)
        self.function.end()
        assert len(self.times) == SECONDS
        return self.times

    def unanswered(self) -> int:
        """Return how many calls have a claim that nobody answered."""
        chunks = [self.fake.ledger.chunk(id) for id in self.fake.ledger.partitions]
        calls = [call for chunk in chunks if chunk for call in chunk.calls.values()]
        answered = {key for chunk in chunks if chunk for key in chunk.answers}
        return sum(c.state is CallState.LEASED and c.key not in answered for c in calls)


def nothing(tenants: Tenants, second: int) -> None:
    """Let the bank be alone."""


def slow_files(tenants: Tenants, second: int) -> None:
    """Send mails with ten files each, at a server that never answers in time."""
    for _ in range(1 if second else BURST * tenants.stage.workers):
        tenants.send(MALL, files=True)


def many_people(tenants: Tenants, second: int) -> None:
    """Send to fifty people at once, again and again."""
    for _ in range(second % 5 == 0 if second else BURST * tenants.stage.workers):
        tenants.send(MALL, people=50)


def p95(times: list[float]) -> float:
    return quantiles(times, n=20)[-1]


@cache
def _alone(stage: Stage) -> list[float]:
    return Tenants(stage, USUAL).run(nothing)


SLOW = 0.9  # of the time of an exchange


@pytest.mark.parametrize(
    ("stage", "worst", "slowness"),
    [
        (PROD, slow_files, 0),
        (PROD, many_people, 0),
        (PROD, many_people, SLOW),
        (LOCAL, slow_files, 0),
        (LOCAL, many_people, SLOW),
    ],
)
def test_the_worst_tenant_at_most_doubles_the_time_of_another(
    stage: Stage, worst: Callable[[Tenants, int], None], slowness: float
) -> None:
    """The first answer of a provider that turned slow is the longest that anybody waits."""
    alone = p95(_alone(stage))
    tenants = Tenants(stage, max(USUAL, slowness * stage.exchange))
    times = tenants.run(worst)
    assert p95(times) <= 2 * alone
    assert max(times) <= alone + LONG / 1000 + tenants.pace
    assert tenants.unanswered() == 0
