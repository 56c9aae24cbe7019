"""Reviews of templates: a version comes about when the last level approves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.members import Member
from chalicelib.domain.rules.schedules import Outcome
from chalicelib.domain.stored_requests import State, StoredRequest
from chalicelib.manage import reviews, templates
from tests.builders import SHOP
from tests.fakes.steps import Killed
from tests.fakes.world import FakeWorld
from tests.manage.reviewing import (
    ANN,
    BOB,
    CEM,
    DAN,
    a_world,
    decide,
)


@pytest.fixture
def fake() -> FakeWorld:
    return a_world()


def propose(fake: FakeWorld, member: Member = ANN) -> StoredRequest:
    made = templates.new(
        fake.ports, SHOP, "fresh", {ChannelType.SMS: {"text": "Hi {{name}}"}}, None
    )
    proposal = reviews.propose(fake.ports, made, member.key)
    assert proposal is not None
    return proposal


def test_a_template_is_used_only_after_the_last_level(fake: FakeWorld) -> None:
    proposal = propose(fake)
    number = proposal.about.template
    decide(fake, proposal.id, BOB)
    assert fake.templates.get(number) is None
    done = decide(fake, proposal.id, DAN)
    template = fake.templates.get(number)
    assert template is not None
    assert (template.name, template.version, done.state) == ("fresh", 1, State.DONE)


def test_a_changed_template_stays_as_it_was_until_then(fake: FakeWorld) -> None:
    contents = {ChannelType.SMS: {"text": "other"}}
    following = templates.following(fake.ports, 1, None, "other", contents, None)
    proposal = reviews.propose(fake.ports, following, ANN.key)
    assert proposal is not None
    assert fake.templates.get(1).version == 1  # type: ignore[union-attr]
    decide(fake, proposal.id, BOB)
    decide(fake, proposal.id, DAN)
    assert fake.templates.get(1).name == "other"  # type: ignore[union-attr]


def test_a_version_that_another_one_overtook_is_not_put(fake: FakeWorld) -> None:
    contents = {ChannelType.SMS: {"text": "other"}}
    two = [
        reviews.propose(
            fake.ports, templates.following(fake.ports, 1, None, name, contents, None), ANN.key
        )
        for name in ("first", "second")
    ]
    for proposal in two:
        assert proposal is not None
        decide(fake, proposal.id, BOB)
        done = decide(fake, proposal.id, DAN)
    assert done.last is not None
    assert done.last.outcome is Outcome.REFUSED
    assert fake.templates.get(1).name == "first"  # type: ignore[union-attr]


def test_a_rejected_template_is_changed_and_asked_for_again(fake: FakeWorld) -> None:
    proposal = propose(fake)
    decide(fake, proposal.id, BOB, approved=False)
    reviews.change_proposal(
        fake.ports, proposal.id, None, ANN, lambda template: replace(template, name="better")
    )
    decide(fake, proposal.id, CEM)
    decide(fake, proposal.id, DAN)
    assert fake.templates.get(proposal.about.template).name == "better"  # type: ignore[union-attr]


@pytest.mark.parametrize("step", range(10))
def test_a_template_whose_last_approval_broke_off_is_put_by_a_repeat(step: int) -> None:
    fake = a_world()
    proposal = propose(fake)
    decide(fake, proposal.id, BOB)
    fake.kill_at(len(fake.log) + step)
    try:
        decide(fake, proposal.id, DAN)
    except Killed:
        fake.spare()
        if fake.stored.stored[proposal.id].state is not State.DONE:
            decide(fake, proposal.id, DAN)
    assert fake.templates.get(proposal.about.template) is not None
    assert fake.stored.stored[proposal.id].state is State.DONE
