"""Reviews: nothing leaves before the last level, and who asks cannot approve."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import (
    Invalid,
    NotReviewer,
    NotWaiting,
    OwnerWrong,
    ReviewerMissing,
    Stale,
)
from chalicelib.domain.members import MEMBERS, Member
from chalicelib.domain.rules.reviews import (
    RULE,
    Case,
    Kind,
    Origin,
    Review,
    Settings,
    settings_of,
    stored,
)
from chalicelib.domain.rules.schedules import Outcome, Timing
from chalicelib.domain.stored_requests import State
from chalicelib.flow import schedules
from chalicelib.flow.submit import submit
from chalicelib.manage import reviews
from chalicelib.manage import schedules as scheduled
from chalicelib.reports import waiting
from tests.builders import SHOP, a_template
from tests.fakes.steps import Killed
from tests.fakes.world import FakeWorld
from tests.manage.reviewing import (
    ALL,
    ANN,
    BOB,
    BROADCASTS,
    CEM,
    DAN,
    DOOR,
    TWO_LEVELS,
    a_world,
    decide,
    request,
    status,
)
from tests.profiles import examples


@pytest.fixture
def fake() -> FakeWorld:
    return a_world()


def test_nothing_leaves_before_the_last_level(fake: FakeWorld) -> None:
    id = submit(fake.ports, request())
    assert status(fake, id) == "in_review"
    decide(fake, id, BOB)
    assert not fake.messages.stored
    assert status(fake, id) == "in_review"
    decide(fake, id, DAN)
    assert list(fake.messages.stored) == [id]
    assert fake.stored.stored[id].state is State.DONE
    assert waiting.message(fake.ports, SHOP, id)["msgid"] == id


def test_each_level_has_its_reviewers_and_any_of_them_decides(fake: FakeWorld) -> None:
    id = submit(fake.ports, request())
    with pytest.raises(NotReviewer):
        decide(fake, id, DAN)  # of the second level
    decide(fake, id, CEM)
    with pytest.raises(NotReviewer):
        decide(fake, id, BOB)  # the first level has decided
    decide(fake, id, DAN)
    with pytest.raises(NotWaiting):
        decide(fake, id, BOB)


def test_who_asks_cannot_approve() -> None:
    alone = Settings(((ANN.key, BOB.key),), (Case(Origin.API),))
    fake = a_world(alone)
    id = submit(fake.ports, request(alone))
    with pytest.raises(NotReviewer):
        decide(fake, id, ANN)
    assert reviews.page(fake.ports, "to_review", ANN.key, "", 9) == []
    decide(fake, id, BOB)
    assert fake.messages.stored


def test_a_level_of_those_who_ask_alone_is_refused() -> None:
    alone = Settings(((ANN.key,),), (Case(Origin.API),))
    fake = a_world(alone)
    with pytest.raises(ReviewerMissing):
        submit(fake.ports, request(alone))


@pytest.mark.parametrize("gone", [None, replace(BOB, enabled=False)], ids=("deleted", "disabled"))
def test_a_level_whose_reviewers_have_left_is_refused(gone: Member | None) -> None:
    alone = Settings(((BOB.key,),), (Case(Origin.API),))
    fake = a_world(alone)
    members = fake.records.of(MEMBERS).stored
    del members[BOB.key]
    members.update({gone.key: gone} if gone else {})
    with pytest.raises(ReviewerMissing):
        submit(fake.ports, request(alone))
    assert not fake.stored.stored


@pytest.mark.parametrize("owner", ["", "nobody", "Ann"])
def test_a_request_by_api_names_a_member_as_its_owner(fake: FakeWorld, owner: str) -> None:
    with pytest.raises(OwnerWrong):
        submit(fake.ports, request(owner=owner))
    assert not fake.stored.stored
    assert not fake.messages.stored


def test_the_owner_is_needed_also_where_this_message_is_not_reviewed() -> None:
    fake = a_world(BROADCASTS)
    with pytest.raises(OwnerWrong):
        submit(fake.ports, request(BROADCASTS, owner=""))
    assert submit(fake.ports, request(BROADCASTS)) in fake.messages.stored
    broadcast = request(BROADCASTS, userids=(), everyone=True)
    assert submit(fake.ports, broadcast) in fake.stored.stored


def test_what_comes_by_the_console_has_settings_of_its_own() -> None:
    console = Settings(TWO_LEVELS, (Case(Origin.CONSOLE, (Kind.TEMPLATE,)),))
    fake = a_world(console)
    assert submit(fake.ports, request(console, owner="")) in fake.messages.stored
    id = submit(fake.ports, request(console, ANN.key))
    assert status(fake, id) == "in_review"


def test_a_rejected_message_is_changed_and_asked_for_again(fake: FakeWorld) -> None:
    id = submit(fake.ports, request())
    decide(fake, id, BOB)
    decide(fake, id, DAN, approved=False)
    assert status(fake, id) == "rejected"
    assert [r.id for r in reviews.page(fake.ports, "asked", ANN.key, "", 9)] == [id]
    assert [r.id for r in reviews.page(fake.ports, "decided", DAN.key, "", 9)] == [id]
    changed = request(ALL, ANN.key, owner="ann", template_para={"name": "all"})
    with pytest.raises(NotReviewer):
        reviews.resend(fake.ports, id, None, CEM, changed, DOOR)
    again = reviews.resend(fake.ports, id, None, ANN, changed, DOOR)
    assert again.review is not None
    assert (again.state, again.review.level) == (State.IN_REVIEW, 0)
    assert [d.comment for d in again.review.earlier] == ["because", "because"]
    assert again.written.origin is Origin.API
    decide(fake, id, BOB)
    decide(fake, id, DAN)
    assert list(fake.messages.stored) == [id]


def test_a_change_after_the_reviews_were_switched_off_is_sent(fake: FakeWorld) -> None:
    id = submit(fake.ports, request())
    decide(fake, id, BOB, approved=False)
    reviews.set_settings(fake.ports, SHOP, None, Settings())
    changed = request(Settings(), ANN.key)
    sent = reviews.resend(fake.ports, id, None, ANN, changed, DOOR)
    assert (sent.state, list(fake.messages.stored)) == (State.DONE, [id])
    assert sent.review is not None
    assert [d.member for d in sent.review.all_decisions] == [BOB.key]


def test_lists_follow_the_level(fake: FakeWorld) -> None:
    id = submit(fake.ports, request())

    def waiting_for() -> set[str]:
        members = (ANN, BOB, CEM, DAN)
        return {m.name for m in members if reviews.page(fake.ports, "to_review", m.key, "", 9)}

    assert waiting_for() == {"bob", "cem"}
    decide(fake, id, BOB)
    assert waiting_for() == {"dan"}
    decide(fake, id, DAN)
    assert waiting_for() == set()


def at(fake: FakeWorld, seconds: float) -> Timing:
    time = datetime.fromtimestamp(fake.clock.now() / 1000 + seconds, UTC)
    return Timing("UTC", at=time.strftime("%Y-%m-%dT%H:%M:%S"))


def test_an_approved_schedule_waits_for_its_time(fake: FakeWorld) -> None:
    id = submit(fake.ports, request(timing=at(fake, 3600)))
    decide(fake, id, BOB)
    decide(fake, id, DAN)
    assert not fake.messages.stored
    assert status(fake, id) == "scheduled"
    fake.clock.advance(3600)
    schedules.carry_out(fake.ports, id, DOOR)
    assert len(fake.messages.stored) == 1


def test_a_schedule_that_is_approved_too_late_does_not_run(fake: FakeWorld) -> None:
    id = submit(fake.ports, request(timing=at(fake, 3600)))
    decide(fake, id, BOB)
    fake.clock.advance(3600)
    schedules.carry_out(fake.ports, id, DOOR)
    (result,) = scheduled.results(fake.ports, id, "", 9)
    assert result.outcome is Outcome.IN_REVIEW
    with pytest.raises(NotWaiting):
        decide(fake, id, DAN)
    assert status(fake, id) == "expired"
    assert not fake.messages.stored


def test_a_review_that_nobody_ends_expires(fake: FakeWorld) -> None:
    id = submit(fake.ports, request())
    fake.clock.advance(7 * 86400 + 700)
    schedules.wake_again(fake.ports, fake.timers.ready())
    fake.clock.advance(10)
    for woken in fake.wakeups.take(fake.clock.now()):
        schedules.carry_out(fake.ports, woken, DOOR)
    assert status(fake, id) == "expired"
    with pytest.raises(NotWaiting):
        decide(fake, id, BOB)


def test_a_schedule_from_before_the_review_was_on_does_not_run_unseen(fake: FakeWorld) -> None:
    id = submit(fake.ports, request(Settings(), timing=at(fake, 3600)))
    assert fake.stored.stored[id].state is State.PENDING
    fake.clock.advance(3600)
    schedules.carry_out(fake.ports, id, DOOR)
    (result,) = scheduled.results(fake.ports, id, "", 9)
    assert result.outcome is Outcome.IN_REVIEW
    assert not fake.messages.stored


def test_checks_are_made_again_when_it_leaves(fake: FakeWorld) -> None:
    id = submit(fake.ports, request())
    decide(fake, id, BOB)
    fake.settings.put_template(a_template(version=2, archived=True, channels=()))
    decide(fake, id, DAN)
    assert not fake.messages.stored
    assert status(fake, id) == "refused"
    assert fake.stored.stored[id].last.reason == "UnknownTemplate"  # type: ignore[union-attr]


@pytest.mark.parametrize("step", range(60))
def test_a_last_approval_that_breaks_off_sends_once(step: int) -> None:
    fake = a_world()
    id = submit(fake.ports, request())
    decide(fake, id, BOB)
    fake.kill_at(len(fake.log) + step)
    try:
        decide(fake, id, DAN)
    except Killed:
        fake.spare()
        if fake.stored.stored[id].state is State.IN_REVIEW:
            decide(fake, id, DAN)
        else:
            fake.clock.advance(700)
            schedules.wake_again(fake.ports, fake.timers.ready())
            fake.clock.advance(10)
            schedules.carry_out(fake.ports, id, DOOR)
    assert list(fake.messages.stored) == [id]
    assert fake.stored.stored[id].state is State.DONE


# -- settings


def test_reviewers_are_members(fake: FakeWorld) -> None:
    with pytest.raises(Invalid) as error:
        reviews.set_settings(fake.ports, SHOP, None, Settings((("nobody",),), ALL.cases))
    assert error.value.field == "messages.levels[0][0]"
    reviews.set_settings(fake.ports, SHOP, None, BROADCASTS)
    changed = reviews.set_settings(fake.ports, SHOP, None, Settings())
    assert RULE not in changed.rules
    with pytest.raises(Stale):
        reviews.set_settings(fake.ports, SHOP, 1, ALL)


def test_settings_are_stored_and_read() -> None:
    for settings in (ALL, BROADCASTS, Settings(), Settings(templates=TWO_LEVELS)):
        kept = stored(settings)
        assert settings_of({RULE: kept} if kept else {}) == settings


@examples(100)
@given(words=st.lists(st.booleans(), max_size=6), levels=st.integers(1, 5))
def test_a_review_ends_with_the_last_level_or_the_first_rejection(
    words: list[bool], levels: int
) -> None:
    review = Review((("a",),) * levels, ("b",))
    for word in words:
        if review.open:
            assert review.reviewers == ("a",)
            review = review.decide("a", "a", 0, approved=word)
    needed = words[:levels]
    assert review.rejected == (False in needed)
    assert review.approved == (len(needed) == levels and all(needed))
