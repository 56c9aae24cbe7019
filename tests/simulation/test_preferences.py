"""Wherever a worker is ended, people get what they want and agreed to, and nothing rings at night.

The second step becomes due in the quiet time of two people. It waits for its end.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

import pytest

from chalicelib.domain.consents import Consent
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.facts import FactKind
from chalicelib.domain.provider_io import Receipt, ReceiptKind
from chalicelib.domain.rules.topics import Preferences, QuietTime, stored
from chalicelib.domain.topics import TOPICS, Topic
from chalicelib.flow import receipts
from chalicelib.flow.requests import SendRequest
from chalicelib.reports import message as report
from tests.builders import SHOP
from tests.fakes.clock import START
from tests.simulation.world import PEOPLE, UNKNOWN, Simulation, finished

NAP = QuietTime("16:01", "20:00", "Asia/Shanghai")  # START is at 16:00 there
ENDS = START + 4 * 3600 * 1000
WANTED = {
    "ann": Preferences({1: ()}),
    "bob": Preferences({}, NAP),
    "cem": Preferences({1: ("app", "email")}, NAP),
    "dan": Preferences({}, QuietTime("08:00", "16:00", "Asia/Shanghai")),
}
AGREED = {"reg-bob-silent", "1002", "reg-cem-silent", "1003-silent", "cem@example.com", "1004"}
LOSSES = {"ann": "unwanted", "eva": "no_consent", "fay": "no_consent", "gus": "no_contact"}


@dataclass
class Wanting(Simulation):
    """A topic that requires consent, to people of whom some want it only in part."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.world.records.of(TOPICS).put(Topic(1, SHOP, "Offers", purpose="offers"))
        for person in PEOPLE:
            wanted = WANTED.get(person.userid)
            raw = {SHOP: stored(wanted)} if wanted else {}
            self.world.users.stored[person.userid] = replace(person, preferences=raw, version=2)
            for kind, contact in person.all_contacts:
                if contact in AGREED:
                    self.world.consents.put(kind, contact, SHOP, "offers", Consent(True, 5))
        self.world.forget_steps()

    def request(self) -> SendRequest:
        return replace(super().request(), topic=1)

    def _check_people(self) -> None:
        """Check who was sent to on each channel, and when the steps of quiet people began."""
        (chunk,) = self.chunks()
        targets = chunk.plan.targets
        losses = {target.id: target.loss for target in targets if target.loss}
        assert losses == {**LOSSES, UNKNOWN: "unknown_user"}
        kinds = (FactKind.SUBMITTED, FactKind.UNKNOWN)
        assert self.contacts("push", *kinds) == {"reg-bob-silent", "reg-cem-silent"}
        assert self.contacts("text", *kinds) == {"1002", "1004"}
        assert self.contacts("mail", *kinds) <= {"cem@example.com"}
        names = [target.id for target in targets]
        for entrants in chunk.entrants:
            if entrants.step == 1 and names.index("bob") in entrants.members:
                assert ENDS <= entrants.time <= ENDS + 600_000


def until(simulation: Simulation, time: int) -> None:
    while simulation.world.clock.now() < time and simulation._next():
        pass


def life(simulation: Simulation, userid: str) -> dict[str, Any]:
    return report.target(simulation.world.ports, SHOP, simulation.msgid or "", userid)


def test_a_later_step_waits_until_the_quiet_time_ends_and_the_life_cycle_says_so() -> None:
    simulation = Wanting()
    simulation.submit()
    until(simulation, START + 90_000)
    waiting = life(simulation, "bob")["waiting"]
    assert (waiting["step"], waiting["until"], waiting["reason"]) == (2, ENDS, "quiet_time")
    assert "quiet time" in waiting["en"]
    assert life(simulation, "dan")["waiting"] is None
    simulation.run()
    simulation.check()
    assert simulation.world.log.count("timers.set") < 16, "it does not ask again and again"
    assert life(simulation, "bob")["waiting"] is None


def test_a_step_that_does_not_ring_does_not_wait() -> None:
    simulation = finished(Wanting())
    assert simulation.contacts("mail", FactKind.SUBMITTED) == {"cem@example.com"}
    (chunk,) = simulation.chunks()
    mails = [entrants.time for entrants in chunk.entrants if entrants.step == 2]
    assert START + 60_000 < mails[0] < START + 600_000


def test_who_is_reached_meanwhile_does_not_enter_the_step() -> None:
    simulation = Wanting()
    simulation.submit()
    until(simulation, START + 90_000)
    late = [t for t in simulation.world.providers.push.taken if "bob" in t.contact]
    at = simulation.world.clock.now()
    found = [Receipt(t.provider_id, ReceiptKind.DELIVERED, at, t.contact) for t in late]
    receipts.record(simulation.world.ports, "push", found)
    assert life(simulation, "bob")["waiting"] is None
    simulation.run()
    assert "1002" not in simulation.world.providers.text.sent()


def test_what_is_urgent_does_not_wait() -> None:
    @dataclass
    class Urgent(Wanting):
        def request(self) -> SendRequest:
            return replace(super().request(), priority=Priority.HIGH)

    simulation = Urgent()
    simulation.submit()
    until(simulation, START + 3600 * 1000)
    assert "1002" in simulation.world.providers.text.sent()
    assert not simulation.chunks()[0].plan.quiet


def test_a_condition_that_is_open_is_told_too() -> None:
    simulation = Wanting()
    simulation.submit()
    until(simulation, START + 1)
    waiting = life(simulation, "bob")["waiting"]
    assert (waiting["step"], waiting["reason"]) == (2, "condition")
    assert START + 60_000 <= waiting["until"] < START + 120_000


@pytest.mark.parametrize("part", range(4))
def test_a_worker_ended_at_any_step_breaks_no_wish(part: int) -> None:
    sample = finished(Wanting())
    for number in sample.world.kills[part::4]:
        simulation = Wanting()
        simulation.world.kill_at(number)
        simulation.submit()
        simulation.run()
        if simulation.msgid is not None:
            simulation.check()


@pytest.mark.parametrize("seed", range(6))
def test_in_any_order_and_with_every_job_done_twice(seed: int) -> None:
    finished(Wanting(twice=seed % 2 == 0, order=random.Random(seed)))


def test_preferences_and_quiet_times_are_read_with_the_user() -> None:
    simulation = finished(Wanting())
    assert simulation.world.log.count("users.get") == finished(Simulation()).world.log.count(
        "users.get"
    )


def test_nobody_without_a_quiet_time_is_written_into_the_plan() -> None:
    assert not finished(Simulation()).chunks()[0].plan.quiet
    (chunk,) = finished(Wanting()).chunks()
    names = [target.id for target in chunk.plan.targets]
    assert {names[target] for target in chunk.plan.quiet} == {"bob", "cem", "dan"}
