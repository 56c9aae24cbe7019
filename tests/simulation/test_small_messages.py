"""Messages that are one item: queued first, stored then, without a first timer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from chalicelib.domain.delivery_channels import OnUncertain
from chalicelib.domain.jobs import DeliverJob
from chalicelib.flow import deliver, submit
from chalicelib.flow.requests import SendRequest
from tests.builders import a_user
from tests.simulation.world import Simulation

EVERYBODY = ("ann", "bob", "cem", "dan", "fay", "gus", "zoe")


@dataclass
class OfOne(Simulation):
    """A message to one person."""

    person: str = "ann"

    def request(self) -> SendRequest:
        return replace(super().request(), userids=(self.person,))

    def _check_people(self) -> None:
        """Expect one target. Its fate is the ledger's."""
        (chunk,) = self.chunks()
        assert [target.id for target in chunk.plan.targets] == [self.person]


@pytest.mark.parametrize("on_uncertain", OnUncertain)
@pytest.mark.parametrize("person", EVERYBODY)
def test_a_worker_ended_at_any_step_of_a_single_send_loses_nothing(
    person: str, on_uncertain: OnUncertain
) -> None:
    sample = OfOne(person=person, on_uncertain=on_uncertain)
    sample.submit()
    sample.run()
    sample.check()
    for number in sample.world.kills:
        simulation = OfOne(person=person, on_uncertain=on_uncertain)
        simulation.world.kill_at(number)
        simulation.submit()
        simulation.run()
        if simulation.msgid is not None:
            simulation.check()


def test_a_single_send_sets_no_timer_before_its_provider_has_answered() -> None:
    simulation = OfOne()
    simulation.submit()
    assert not simulation.world.timers.rows
    assert simulation.world.log.count("messages.create") == 1


def test_a_job_that_comes_before_its_message_finds_it_later() -> None:
    simulation = OfOne()

    def meanwhile(number: int, name: str) -> None:
        if name == "messages.create":
            simulation.world.spare()
            simulation._work(simulation._take())  # type: ignore[arg-type]

    simulation.world.on_step = meanwhile
    simulation.submit()
    assert simulation.world.queues.waiting
    simulation.run()
    simulation.check()


def test_a_job_whose_message_never_comes_dies_out() -> None:
    simulation = OfOne()
    simulation.world.kill_at(_step(simulation, "messages.create"))
    simulation.submit()
    simulation.run()
    assert simulation.msgid is None
    assert not simulation.world.queues.waiting
    assert not simulation.world.providers.push.taken
    jobs = [envelope.job for envelope in simulation.world.queues.sent]
    assert len(jobs) == 6
    assert {job.priority for job in jobs if isinstance(job, DeliverJob)} == {2}


def _step(simulation: Simulation, name: str) -> int:
    sample = type(simulation)()
    sample.submit()
    return sample.world.log.index(name)


def test_nothing_is_stored_when_the_queue_is_down() -> None:
    simulation = OfOne()
    simulation.world.fail(ConnectionError("the queue is not there"), "queues.send")
    with pytest.raises(ConnectionError):
        submit.submit(simulation.world.ports, simulation.request())
    assert simulation.msgid is None


def test_a_job_that_comes_too_late_is_not_made() -> None:
    simulation = OfOne(person="eva")
    simulation.submit()
    sent = [e.job for e in simulation.world.queues.sent if isinstance(e.job, DeliverJob)]
    simulation.world.clock.advance(simulation.world.ports.limits.submit_within)
    for job in sent:
        deliver.deliver(simulation.world.ports, job)
    simulation.run()
    simulation.check()
    assert not simulation.world.providers.push.taken


def test_reading_a_message_whose_job_was_lost_sends_the_job_again() -> None:
    simulation = OfOne()
    simulation.submit()
    simulation.world.queues.waiting.clear()
    assert simulation.report()["status"] == "accepted"
    simulation.world.clock.advance(3600)
    simulation.report()
    simulation.run()
    simulation.check()
    assert simulation.world.providers.push.taken


def test_a_plan_that_would_not_fit_beside_the_contents_is_an_item_of_its_own() -> None:
    simulation = OfOne()
    long = a_user("ann", push=tuple(f"{n:04d}" + "x" * 200 for n in range(600)))
    simulation.world.users.has(long)
    request = replace(simulation.request(), userids=("ann", "bob"))
    submit.submit(simulation.world.ports, request)
    message = simulation.world.messages.stored[simulation.msgid or ""]
    assert message.has_clock
    assert simulation.world.timers.rows
