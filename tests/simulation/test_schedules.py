"""Scheduled messages are sent once each time, wherever the function that sends them is ended."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid, Refusal
from chalicelib.domain.jobs import Envelope, TimerKind, TimersJob
from chalicelib.domain.rules.schedules import Outcome, Timing
from chalicelib.domain.stored_requests import Form, State, Written
from chalicelib.flow import schedules, submit
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.schedules import Door
from tests.builders import a_user
from tests.fakes.world import FakeWorld
from tests.profiles import examples
from tests.simulation.world import PEOPLE, Simulation

RETRIES = (0, 60, 120)  # seconds after which Lambda calls an asynchronous function again
THRICE = Timing("UTC", cron="0 * * * *", until="2027-01-15T11:30")  # START is at 08:00


@dataclass
class Scheduled(Simulation):
    """A schedule of three messages. Wake-ups come once, and fail for good after two more tries."""

    timing: Timing = THRICE
    calls: list[tuple[int, str]] = field(default_factory=list)  # of Lambda: ms, id

    def request(self) -> SendRequest:
        request = super().request()
        written = Written(Form.SEND, {"template_id": 1})
        return replace(request, written=written, timing=self.timing)

    def submit(self) -> None:
        self._attempt(lambda: submit.submit(self.world.ports, self.request()))

    def door(self) -> Door:
        return Door(
            lambda access, stored: replace(self.request(), timing=None),
            lambda error: (1, "refused"),
            (Refusal, Invalid),
        )

    def _next(self) -> bool:
        now = self.world.clock.now()
        due = [call for call in self.calls if call[0] <= now]
        if due:
            self.calls.remove(due[0])
            self._call(due[0][1])
            return True
        for id in self.world.wakeups.take(now):
            self.calls.append((now, id))
        if any(at <= now for at, _ in self.calls):
            return True
        soonest = min(
            (at for at in (self.world.wakeups.next(), *(a for a, _ in self.calls)) if at),
            default=None,
        )
        others = (self.world.queues.next(), self.world.timers.next(), *(p[0] for p in self.posts))
        next_of_others = min((at for at in others if at is not None), default=soonest)
        is_first = soonest is not None and soonest <= (next_of_others or 0)
        if soonest is not None and is_first and not self.world.queues.waiting:
            self.world.clock.time = max(now, soonest)
            return True
        return super()._next()

    def _call(self, id: str) -> None:
        """Call the function as Lambda does: again after a failure, and again."""
        for delay in RETRIES:
            self.world.clock.advance(delay)
            if self._attempt(lambda: schedules.carry_out(self.world.ports, id, self.door())):
                return

    def _handle(self, envelope: Envelope) -> None:
        match envelope.job:
            case TimersJob(timers) if timers[0].kind is TimerKind.WAKE:
                schedules.wake_again(self.world.ports, timers)
            case _:
                super()._handle(envelope)

    def sent(self) -> Counter[str]:
        """Return how many messages each person got by push."""
        return Counter(taken.contact for taken in self.world.providers.push.taken)

    def check_all(self, number: int = 3) -> None:
        (stored,) = self.world.stored.stored.values()
        results = self.world.stored.results(stored.id, "", 99)
        assert stored.state is State.DONE
        assert [r.outcome for r in results] == [Outcome.SENT] * number
        assert {r.msgid for r in results} == set(self.world.messages.stored)
        assert len({r.msgid for r in results}) == number
        assert self.sent()["reg-ann"] == number


def finished(simulation: Scheduled) -> Scheduled:
    simulation.submit()
    simulation.run()
    simulation.world.spare()
    return simulation


def test_without_accidents_each_occurrence_is_a_message() -> None:
    finished(Scheduled()).check_all()


# The steps of the schedule itself, and of accepting its messages.
OF_SCHEDULES = ("stored.", "wakeups.", "messages.create", "messages.once", "timers.set")


@pytest.mark.parametrize("part", range(2))
def test_a_function_ended_at_any_step_sends_each_occurrence_once(part: int) -> None:
    for number in finished(Scheduled()).world.kills_around(*OF_SCHEDULES)[part::2]:
        simulation = Scheduled()
        simulation.world.kill_at(number)
        finished(simulation)
        if simulation.world.stored.stored:
            simulation.check_all()
        else:
            assert not simulation.world.messages.stored


def test_wake_ups_that_get_lost_are_made_up_for() -> None:
    simulation = Scheduled()
    simulation.submit()
    simulation.world.wakeups.waiting.clear()
    simulation.run()
    simulation.check_all()


@examples(40)
@given(
    seed=st.integers(0, 10**6),
    kills=st.lists(st.integers(0, 900), max_size=6),
    twice=st.booleans(),
)
def test_many_accidents(seed: int, kills: list[int], twice: bool) -> None:
    simulation = Scheduled(order=random.Random(seed), twice=twice)
    simulation.world.kill_at(*kills)
    finished(simulation)
    if simulation.world.stored.stored:
        (stored,) = simulation.world.stored.stored.values()
        results = simulation.world.stored.results(stored.id, "", 99)
        assert stored.state is State.DONE
        sent = [r.msgid for r in results if r.outcome is Outcome.SENT]
        assert len(set(sent)) == len(sent)
        assert sum(r.number for r in results) == 3
        assert simulation.sent()["reg-ann"] <= len(sent)


ZONES = {"ann": "Pacific/Kiritimati", "bob": "Asia/Shanghai", "cem": "America/New_York"}


def test_everybody_gets_it_at_the_time_of_their_own_zone() -> None:
    """Ann is first, then Bob, then those without a zone, who have London's, then Cem."""
    times: dict[str, int] = {}
    timing = Timing("Europe/London", at="2027-01-17T18:00", zone_attribute="tz")
    simulation = Scheduled(timing=timing)
    users = [replace(p, attributes={"tz": ZONES.get(p.userid, "")}, version=2) for p in PEOPLE]
    for user in users:
        simulation.world.users.stored[user.userid] = user

    def watch(number: int, name: str) -> None:
        for taken in simulation.world.providers.push.taken:
            times.setdefault(taken.contact, simulation.world.clock.now())

    simulation.world.on_step = watch
    finished(simulation)
    shown = {
        contact: datetime.fromtimestamp(at / 1000, UTC).strftime("%d %H")
        for contact, at in times.items()
    }
    assert shown["reg-ann"] == "17 04"
    assert shown["reg-bob-silent"] == "17 10"
    assert shown["reg-fay"] == "17 18"
    assert shown["reg-cem-silent"] == "17 23"
    simulation.check()


@pytest.mark.parametrize("part", range(2))
def test_a_worker_ended_while_zones_wait_loses_nobody(part: int) -> None:
    def zoned() -> Scheduled:
        timing = Timing("Europe/London", at="2027-01-17T18:00", zone_attribute="tz")
        simulation = Scheduled(timing=timing)
        for person in PEOPLE:
            simulation.world.users.stored[person.userid] = replace(
                person, attributes={"tz": ZONES.get(person.userid, "")}, version=2
            )
        return simulation

    freezing = finished(zoned()).world.kills_around("ledger.freeze", "queues.")
    for number in freezing[part::2]:
        simulation = zoned()
        simulation.world.kill_at(number)
        finished(simulation).check()


def test_a_date_schedule_looks_at_pages_of_users_until_a_chunk_is_full() -> None:
    from chalicelib.domain.rules.schedules import DateRule
    from tests.fakes.world import limits_of

    rule = DateRule("born", 0, yearly=True)
    timing = Timing("UTC", cron="0 9 * * *", until="2027-01-15T10:00", date_rule=rule)

    @dataclass
    class Dated(Scheduled):
        def request(self) -> SendRequest:
            return replace(super().request(), userids=(), everyone=True)

    simulation = Dated(timing=timing, world=FakeWorld(limits_of(chunk_targets=3)))
    people = {f"u{n:03d}": "1990-01-15" if n % 10 == 0 else "1990-01-16" for n in range(100)}
    for name, day in people.items():
        simulation.world.users.has(
            replace(a_user(name, push=(f"reg-{name}",)), attributes={"born": day})
        )
    finished(simulation)
    chunks = simulation.chunks()
    planned = [target.id for chunk in chunks for target in chunk.plan.targets]
    assert sorted(planned) == sorted(name for name, day in people.items() if day == "1990-01-15")
    assert len(chunks) < 12
    assert simulation.report()["balanced"]
