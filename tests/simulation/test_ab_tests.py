"""An A/B test gives everybody one message at most, wherever the functions of it are ended."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import keys
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.rules.ab_tests import AbTest, Metric, Phase, Then, Variant
from chalicelib.domain.rules.reviews import Origin
from chalicelib.domain.stored_requests import Form, StoredRequest, Written
from chalicelib.flow import ab_tests, schedules
from chalicelib.flow.requests import SendRequest
from chalicelib.manage import ab_tests as managed
from chalicelib.reports import message as report
from tests.builders import SHOP, a_user, an_access_channel
from tests.flow.ab_testing import a_test
from tests.profiles import examples
from tests.simulation.test_schedules import RETRIES, Scheduled
from tests.simulation.world import Simulation

CROWD = tuple(f"p{n:02d}" for n in range(24))
BODIES = {"broadcast": False, "message": {}, "variants": {}}
WRITTEN = Written(Form.AB_TEST, BODIES, Origin.CONSOLE, "m-ann")
TEST = a_test(3000, 3000, holdout=1500, metric=Metric.DELIVERED, minutes=30, if_none=Then.BASELINE)


@dataclass
class Compared(Scheduled):
    """An A/B test of a crowd. Its variants do equally well, so the rest gets the baseline."""

    test: AbTest = TEST
    silenced: Collection[str] = ()  # contacts that no report names

    def __post_init__(self) -> None:
        super().__post_init__()
        self.world.users.has(*(a_user(name, push=(f"reg-{name}",)) for name in CROWD))
        self.world.forget_steps()

    def request(self) -> SendRequest:
        return replace(Simulation.request(self), userids=CROWD, written=WRITTEN)

    def read(self, access: AccessChannel, stored: StoredRequest) -> SendRequest:
        return replace(self.request(), written=stored.written, channel=access)

    def submit(self) -> None:
        self._attempt(self._start)

    def _start(self) -> None:
        world, access = self.world.ports, an_access_channel()
        drafted = managed.draft(world, access, "t", self.test, WRITTEN)
        # The id decides who is in which group. A random one would leave the verdict to chance.
        drafted = replace(drafted, id=keys.message_id(drafted.created, b"same"))
        checked = [
            managed.check(world, drafted, of.name, lambda stored: self.read(access, stored))
            for of in self.test.variants
        ]
        door = self.door()._replace(read=self.read)
        managed.add(world, access, drafted, checked, None, door)

    def _call(self, id: str) -> None:
        door = self.door()._replace(read=self.read)
        for delay in RETRIES:
            self.world.clock.advance(delay)
            if self._attempt(
                lambda: schedules.carry_out(self.world.ports, id, door, ab_tests.advance)
            ):
                return

    def result(self) -> tuple[StoredRequest, AbTest]:
        (stored,) = [s for s in self.world.stored.stored.values() if s.ab_test]
        assert stored.ab_test is not None
        return stored, stored.ab_test

    def _collect_receipts(self) -> None:
        super()._collect_receipts()
        self.posts = [
            (at, code, [r for r in reports if r.contact not in self.silenced])
            for at, code, reports in self.posts
        ]

    def check_all(self) -> None:
        stored, test = self.result()
        assert test.phase is Phase.SENT
        assert test.rest
        assert test.rest.variant == "a"
        messages = [*(variant.msgid for variant in test.variants), test.rest.msgid]
        assert sorted(messages) == sorted(self.world.messages.stored)
        for msgid in messages:
            answer = report.message(self.world.ports, SHOP, msgid)
            assert answer["balanced"]
            assert answer["status"] == "finished"
        held = {name for name in CROWD if test.group(stored.id, name) == "holdout"}
        assert self.sent() == Counter(f"reg-{name}" for name in CROWD if name not in held)


def finished(simulation: Compared) -> Compared:
    simulation.submit()
    simulation.run()
    simulation.world.spare()
    return simulation


def test_without_accidents_everybody_but_the_holdout_gets_one_message() -> None:
    finished(Compared()).check_all()


# The steps of the test itself, and of accepting its messages.
OF_TESTS = ("stored.", "wakeups.", "messages.create", "messages.once", "queues.send")


@pytest.mark.parametrize("part", range(2))
def test_a_function_ended_at_any_step_sends_once(part: int) -> None:
    for number in finished(Compared()).world.kills_around(*OF_TESTS)[part::2]:
        simulation = Compared()
        simulation.world.kill_at(number)
        finished(simulation)
        if simulation.world.stored.stored:
            simulation.check_all()
        else:
            assert not simulation.world.messages.stored


def test_wake_ups_that_get_lost_are_made_up_for() -> None:
    simulation = Compared()
    simulation.submit()
    simulation.world.wakeups.waiting.clear()
    simulation.run()
    simulation.check_all()


@examples(30)
@given(
    seed=st.integers(0, 10**6),
    kills=st.lists(st.integers(0, 900), max_size=6),
    twice=st.booleans(),
)
def test_many_accidents(seed: int, kills: list[int], twice: bool) -> None:
    simulation = Compared(order=random.Random(seed), twice=twice)
    simulation.world.kill_at(*kills)
    finished(simulation)
    if simulation.world.stored.stored:
        _, test = simulation.result()
        assert test.phase in (Phase.SENT, Phase.DECIDED)
        assert len(simulation.world.messages.stored) <= 3
        assert set(simulation.sent().values()) <= {1}


def test_a_variant_that_does_better_goes_to_the_rest() -> None:
    """Nobody of the baseline is reached, since their devices are silent."""
    test = replace(TEST, variants=(Variant("a", 4000), Variant("b", 4000)), holdout=0)
    simulation = Compared(test=test)
    simulation.submit()
    _, running = simulation.result()
    a, b = (simulation.world.messages.stored[variant.msgid] for variant in running.variants)
    assert min(len(a.userids), len(b.userids)) >= 5
    simulation.silenced = {f"reg-{name}" for name in a.userids}
    simulation.run()
    _, ended = simulation.result()
    assert ended.decision
    assert ended.decision.winner == "b"
    assert ended.rest
    assert ended.rest.variant == "b"
