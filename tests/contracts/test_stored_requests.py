"""Stored requests: written whole or not at all, found by every list, and sealed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain import keys
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Conflict, Stale
from chalicelib.domain.jobs import TimerKind
from chalicelib.domain.rules.ab_tests import (
    AbTest,
    Comparison,
    Decision,
    Failure,
    Figures,
    Metric,
    Phase,
    Rest,
    Split,
    Then,
    Variant,
)
from chalicelib.domain.rules.reviews import Kind, Origin, Review
from chalicelib.domain.rules.schedules import DateRule, Outcome, Timing
from chalicelib.domain.stored_requests import About, Form, Result, State, StoredRequest, Written
from chalicelib.ports import IdempotencyKey, World
from tests.contracts.conftest import Container, plain

NOW = time.time_ns() // 1_000_000
TIMING = Timing(
    "Asia/Shanghai", cron="0 9 * * *", date_rule=DateRule("born", -3, True), zone_attribute="tz"
)


def a_request(channel_key: str, **changes: Any) -> StoredRequest:
    body = {"aud_sms": [{"data": ["13800138000"]}], "template_id": 1}
    about = About(Kind.TEMPLATE, AudienceKind.USERS, (ChannelType.SMS,), "no", 1, 1, 2)
    fields: dict[str, Any] = {
        "id": keys.message_id(NOW, secrets.token_bytes(4)),
        "channel_key": channel_key,
        "created": NOW,
        "state": State.PENDING,
        "written": Written(Form.SEND, body, Origin.API, ""),
        "about": about,
        "owner": "ann",
        "name": "a name",
        "timing": TIMING,
        "next": NOW + 86_400_000,
        "local": "2027-01-01T09:00:00",
    }
    return StoredRequest(**{**fields, **changes})


def an_ab_test(channel_key: str, **changes: Any) -> StoredRequest:
    """Build an A/B test that has come to its end, with everything that one may have."""
    figures = Figures(9, 8, 7, 6, 5)
    test = AbTest(
        variants=(
            Variant("a", 1000, "m1", recounted=NOW, measured=NOW, figures=figures),
            Variant("b", 1000, failure=Failure("refused", 1015034, "a word")),
        ),
        holdout=500,
        metric=Metric.CLICKED,
        minutes=60,
        confidence=0.95,
        if_winner=Then.ASK,
        if_none=Then.BASELINE,
        phase=Phase.SENT,
        withdraws=True,
        decision=Decision(NOW, "a", (Comparison("b", 0.01, 0.02),)),
        rest=Rest("a", "m-ann", NOW, "m2", Failure("missed")),
    )
    body = {"broadcast": False, "message": {"template_id": 1}, "variants": {"b": {"rule_id": 2}}}
    written = Written(Form.AB_TEST, body, Origin.CONSOLE, "m-ann")
    fields = {"written": written, "timing": None, "local": "", "ab_test": test, **changes}
    return a_request(channel_key, **fields)


def test_ab_tests_are_listed_by_access_channel(world: World, unique: str) -> None:
    tests = [an_ab_test(unique, id=keys.message_id(NOW + n, b"test")) for n in range(3)]
    for test in (*tests, an_ab_test(f"{unique}-other"), a_request(unique)):
        world.stored.create(test)
    newest_first = [test.id for test in reversed(tests)]
    listed = world.stored.ab_tests(unique, "", 9)
    assert [test.id for test in listed] == newest_first
    assert listed[0].ab_test == tests[2].ab_test
    assert not listed[0].written.body
    after = world.stored.ab_tests(unique, newest_first[0], 1)
    assert [test.id for test in after] == newest_first[1:2]
    gone = tests[0].written._replace(body={})
    ended = tests[0].changed(state=State.DONE, written=gone, expires=2**40)
    world.stored.update(tests[0], ended)
    assert [test.id for test in world.stored.ab_tests(unique, "", 9)] == newest_first
    assert world.stored.get(ended.id) == ended


def a_result(request: StoredRequest, **changes: Any) -> Result:
    fields = {"id": request.id, "at": request.next, "time": NOW, "outcome": Outcome.SENT}
    return Result(**{**fields, "msgid": "m", "expires": NOW // 1000 + 3600, **changes})


def listed(world: World, channel_key: str, after: str = "", until: str = "") -> list[str]:
    found = world.stored.scheduled(channel_key, after, until, 9, lambda request: True)
    return [request.id for request in found]


def test_a_request_is_stored_with_its_body(container: Container, unique: str) -> None:
    big = {"aud_userid": [secrets.token_hex(30) for _ in range(12_000)]}
    for request in (
        a_request(unique),
        a_request(unique, timing=None, local="", review=Review((("m1",),), ("m2",))),
        a_request(unique, written=Written(Form.BROADCAST, big)),
        a_request(unique, last=a_result(a_request(unique)), state=State.REJECTED),
        a_request(unique, split=Split("t", "b", 10, 20, 9000, True)),
        an_ab_test(unique),
    ):
        assert container().stored.create(request) is None
        assert container().stored.get(request.id) == request
    assert container().stored.get("0" * 16) is None


def test_an_id_is_given_once(world: World, unique: str) -> None:
    request = a_request(unique)
    world.stored.create(request)
    with pytest.raises(Conflict):
        world.stored.create(replace(request, name="other"))
    assert world.stored.get(request.id) == request


def test_under_one_idempotency_key_one_request_is_stored(world: World, unique: str) -> None:
    first, second = a_request(unique), a_request(unique)
    once = IdempotencyKey(f"once#{unique}#/v1/sent#key", "digest")
    assert world.stored.create(first, once) is None
    assert world.stored.create(second, once) == replace(once, msgid=first.id)
    assert world.stored.get(second.id) is None
    assert world.messages.once(once.name) == replace(once, msgid=first.id)


def test_a_change_begins_from_the_stored_version(container: Container, unique: str) -> None:
    before = a_request(unique)
    container().stored.create(before)
    after = before.changed(name="new", next=before.next + 5000)
    container().stored.update(before, after)
    with pytest.raises(Stale):
        container().stored.update(before, before.changed(name="other"))
    with pytest.raises(Stale):
        container().stored.update(a_request(unique), a_request(unique))
    assert container().stored.get(before.id) == after


def test_a_smaller_body_replaces_a_larger_one(container: Container, unique: str) -> None:
    big = {"aud_userid": [secrets.token_hex(30) for _ in range(20_000)]}
    before = a_request(unique, written=Written(Form.SEND, big))
    container().stored.create(before)
    after = before.changed(written=Written(Form.SEND, {"small": 1}))
    container().stored.update(before, after)
    assert container().stored.get(before.id) == after


def test_scheduled_requests_are_listed_by_their_next_times(world: World, unique: str) -> None:
    requests = [a_request(unique, next=NOW + n * 1000) for n in (3, 1, 2)]
    for request in requests:
        world.stored.create(request)
    last, first, middle = requests
    world.stored.create(a_request(unique, timing=None, local=""))
    world.stored.create(a_request(f"{unique}2"))
    assert listed(world, unique) == [first.id, middle.id, last.id]
    assert listed(world, unique, after=first.position) == [middle.id, last.id]
    assert listed(world, unique, until=f"{NOW + 2000:013d}") == [first.id]
    (header,) = world.stored.scheduled(unique, "", "", 1, lambda r: r.id == middle.id)
    assert header == replace(middle, written=middle.written._replace(body={}))
    world.stored.update(first, first.changed(next=NOW + 9000))
    world.stored.update(middle, middle.changed(state=State.CANCELLED, expires=NOW // 1000 + 3600))
    assert listed(world, unique) == [last.id, first.id]


def test_reviews_are_in_the_lists_of_their_members(world: World, unique: str) -> None:
    one, two, asker = (f"{name}-{unique}" for name in ("one", "two", "asker"))
    review = Review(((one,), (two,)), (asker,))
    before = a_request(unique, state=State.IN_REVIEW, review=review)
    world.stored.create(before)

    def lists(member: str) -> list[int]:
        stored = world.stored
        return [len(of(member, "", 9)) for of in (stored.to_review, stored.asked, stored.decided)]

    assert [lists(one), lists(two), lists(asker)] == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]
    after = before.changed(review=review.decide(one, "One", NOW, approved=True, comment="well"))
    world.stored.update(before, after)
    assert [lists(one), lists(two), lists(asker)] == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    done = after.changed(state=State.DONE, expires=NOW // 1000 + 3600)
    world.stored.update(after, done)
    assert [lists(one), lists(two), lists(asker)] == [[0, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert [r.id for r in world.stored.decided(one, done.id, 9)] == []


@pytest.mark.parametrize("deleted", ["", "stored", "stored#000000"])
def test_a_request_that_has_expired_is_gone_whatever_of_it_is_still_there(
    real: World, aws: Callable[[str], Any], unique: str, deleted: str
) -> None:
    """The TTL takes up to two days, and deletes item by item, in any order."""
    before = an_ab_test(unique)
    real.stored.create(before)
    real.stored.update(before, before.changed(state=State.DONE, expires=NOW // 1000 - 1))
    if deleted:
        key = {"pk": {"S": before.id}, "sk": {"S": deleted}}
        aws("dynamodb").delete_item(TableName="openums-contract-messages", Key=key)
    assert real.stored.get(before.id) is None
    assert real.stored.ab_tests(unique, "", 9) == []


def test_a_result_is_stored_with_the_change(world: World, unique: str) -> None:
    before = a_request(unique)
    world.stored.create(before)
    first = a_result(before)
    after = before.changed(next=before.next + 1000, last=first)
    world.stored.update(before, after, first)
    second = a_result(after, outcome=Outcome.REFUSED, code=1015031, reason="why", number=2)
    with pytest.raises(Stale):
        world.stored.update(before, after, second)
    assert world.stored.results(unique, "", 9) == [first]
    world.stored.update(after, after.changed(last=second), second)
    assert world.stored.results(before.id, "", 9) == [second, first]
    assert world.stored.results(unique, second.position, 9) == [first]


def test_a_request_has_a_timer_that_finds_it(world: World, unique: str) -> None:
    request = a_request(unique, next=NOW - 2 * 86_400_000)
    world.stored.create(request)
    soon = time.time_ns() // 1_000_000 + 600_000  # the timer is set by the present, not by NOW
    due = [t for row in world.timers.due(soon, 10_000) for t in row.timers]
    assert request.id in {t.chunk.msgid for t in due if t.kind is TimerKind.WAKE}


def test_nothing_of_a_request_is_stored_in_the_open(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    mark = f"secret{unique}"
    review = Review((("m",),), ("n",)).decide("m", mark, NOW, approved=False, comment=mark)
    written = Written(Form.SEND, {"aud_sms": [{"data": [mark]}]})
    before = a_request(unique, name=mark, written=written, review=review)
    real.stored.create(before)
    real.stored.update(before, before.changed(), a_result(before, reason=mark))
    pages = aws("dynamodb").get_paginator("scan").paginate(TableName="openums-contract-messages")
    items = [item for page in pages for item in page["Items"] if unique in plain(item)]
    assert items
    assert not [item for item in items if mark in plain(item)]


def test_a_wake_up_is_set_once_and_taken_back(world: World, unique: str) -> None:
    at = NOW + 10**9
    for _ in range(2):
        world.wakeups.set(unique, at)
    for _ in range(2):
        world.wakeups.cancel(unique, at)
    world.wakeups.cancel(unique, at + 5)


def test_a_wake_up_is_a_schedule_that_calls_the_function_once(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    real.wakeups.set(unique, 1_900_000_000_001)
    schedule = aws("scheduler").get_schedule(
        Name=f"{unique}-1900000001", GroupName="openums-contract"
    )
    assert schedule["ScheduleExpression"] == "at(2030-03-17T17:46:41)"
    assert schedule["ScheduleExpressionTimezone"] == "UTC"
    assert schedule["ActionAfterCompletion"] == "DELETE"
    assert schedule["Target"]["Input"] == f'{{"id": "{unique}"}}'
    real.wakeups.cancel(unique, 1_900_000_000_001)
