"""Nothing leaves before the last level of a review, wherever a worker or a request is ended.

A reviewer whose request broke off asks for the state of the review, and decides again if it waits.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace

import pytest

from chalicelib.domain.jobs import TimersJob
from chalicelib.domain.members import MEMBERS, Member
from chalicelib.domain.rules.reviews import RULE, Settings, stored
from chalicelib.domain.stored_requests import Form, State, Written
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.schedules import Door
from chalicelib.manage import access_channels, reviews
from chalicelib.reports import waiting
from tests.builders import SHOP
from tests.fakes.steps import Killed
from tests.manage.reviewing import ALL, ANN, BOB, CEM, DAN
from tests.simulation.test_schedules import Scheduled


@dataclass
class Reviewed(Scheduled):
    """A message that two levels review before it is sent."""

    settings: Settings = ALL

    def __post_init__(self) -> None:
        super().__post_init__()
        for member in (ANN, BOB, CEM, DAN):
            self.world.records.of(MEMBERS).put(member)
        access_channels.set_rule(self.world.ports, SHOP, None, RULE, stored(self.settings))
        self.world.forget_steps()

    def request(self) -> SendRequest:
        access = self.world.settings.access_channel(SHOP)
        assert access is not None
        written = Written(Form.SEND, {"template_id": 1})
        return replace(super().request(), channel=access, owner="ann", written=written, timing=None)

    def door(self) -> Door:
        door = super().door()
        return door._replace(read=lambda access, stored: replace(self.request(), channel=access))

    def decide(self, member: Member, *, approved: bool = True) -> None:
        """Decide as a reviewer does, and again after a request that broke off."""
        for _ in range(3):
            (kept,) = self.world.stored.stored.values()
            review = kept.review
            assert review is not None
            has_decided = member.key in [decision.member for decision in review.decisions]
            if has_decided and kept.state is not State.PENDING:
                return
            self._attempt(lambda id=kept.id: self._decide(id, member, approved=approved))

    def _decide(self, id: str, member: Member, *, approved: bool) -> None:
        reviews.decide(
            self.world.ports, id, None, member, approved=approved, comment="ok", door=self.door()
        )

    @property
    def state(self) -> State | None:
        return next((kept.state for kept in self.world.stored.stored.values()), None)


def reviewed(simulation: Reviewed, *, approved: bool = True) -> Reviewed:
    """Ask, let both levels decide, and send. Nothing may leave before the last word."""
    simulation.submit()
    if simulation.state is None:  # the request broke off before it was stored
        assert not simulation.world.messages.stored
        return simulation
    simulation.decide(BOB)
    assert not simulation.world.messages.stored
    assert not simulation.world.queues.sent
    simulation.decide(DAN, approved=approved)
    simulation.run()
    return simulation


def check(simulation: Reviewed) -> None:
    simulation.world.spare()
    if simulation.state is not None:
        assert simulation.state is State.DONE
        (id,) = simulation.world.stored.stored
        assert list(simulation.world.messages.stored) == [id]
        simulation.check()


SAMPLE = reviewed(Reviewed()).world


@pytest.mark.parametrize("part", range(4))
def test_wherever_a_worker_is_ended_an_approved_message_is_sent_once(part: int) -> None:
    assert "stored.update" in SAMPLE.log
    for number in SAMPLE.kills[part::4]:
        simulation = Reviewed()
        simulation.world.kill_at(number)
        check(reviewed(simulation))


@pytest.mark.parametrize("part", range(2))
def test_wherever_a_request_is_ended_a_rejected_message_never_leaves(part: int) -> None:
    kills = reviewed(Reviewed(), approved=False).world.kills
    for number in kills[part::2]:
        simulation = Reviewed()
        simulation.world.kill_at(number)
        reviewed(simulation, approved=False)
        simulation.world.spare()
        assert simulation.state in (None, State.DONE)  # at the end of its retention
        assert not simulation.world.messages.stored
        assert {type(sent.job) for sent in simulation.world.queues.sent} <= {TimersJob}
        if simulation.state is not None:
            (id,) = simulation.world.stored.stored
            assert waiting.message(simulation.world.ports, SHOP, id)["status"] == "rejected"


@pytest.mark.parametrize("seed", range(8))
def test_many_ends_and_jobs_done_twice_send_it_once(seed: int) -> None:
    chance = random.Random(seed)
    simulation = Reviewed(order=chance, twice=seed % 2 == 0)

    def strike(number: int, name: str) -> None:
        if chance.random() < 0.01:
            raise Killed(name)

    simulation.world.on_step = strike
    simulation.submit()
    if simulation.state is None:
        return
    while simulation.state is State.IN_REVIEW:
        simulation.decide(BOB)
        simulation.decide(DAN)
    simulation.run()
    simulation.world.spare()
    assert simulation.state is State.DONE
    assert max(Counter(t.contact for t in simulation.world.providers.push.taken).values()) == 1
