"""One person in the console: messages, preferences, consents, export and erasure."""

from __future__ import annotations

import json

import pytest
from pydantic import TypeAdapter

from chalicelib.domain.members import Role
from chalicelib.domain.traces import Event
from chalicelib.domain.users import UserChange
from chalicelib.entrypoints.http.schemas.operation_growth import Moment
from chalicelib.manage import events, users
from tests.console.conftest import Browser, a_member
from tests.console.shops import shop as shop
from tests.console.test_rules import wrong

LATEST = 10**14 - 1  # ms


def at(shop: Browser, path: str = "") -> str:
    return f"/c/{shop.key}/users/u1{path}"


def test_messages_to_a_person_are_listed_with_what_became_of_them(shop: Browser) -> None:
    page = shop.get(at(shop, "/messages"))
    assert shop.msgid in page.plain
    assert f"/console/m/{shop.msgid}/u1" in page.text
    assert shop.msgid in shop.get(at(shop, "/messages?all=1")).plain


def test_a_person_is_shown_whatever_time_an_event_has(shop: Browser) -> None:
    assert TypeAdapter(Moment).validate_python(LATEST) == LATEST
    events.record(shop.world, [("u1", Event("late", LATEST)), ("u1", Event("early", 1))])
    page = shop.get(at(shop))
    assert (page.status, "late 1" in page.plain) == (200, True)


def test_preferences_are_set_and_a_wrong_time_zone_is_kept(shop: Browser) -> None:
    fields = {"topic": "1", "wanted": ["1.sms"], "begin": "22:00", "end": "08:00"}
    fields |= {"first.1": "sms"}
    page = shop.post(at(shop, "/preferences"), {**fields, "time_zone": "Asia/Shanghai"})
    assert "Saved." in page.plain
    assert 'value="1.sms" checked' in page.text
    assert 'value="1.app" checked' not in page.text
    assert '<option value="sms" selected>' in page.text
    assert page.field("begin") == "22:00"
    refused = shop.post(at(shop, "/preferences"), {**fields, "time_zone": "Nowhere"})
    assert (refused.status, refused.field("time_zone")) == (400, "Nowhere")
    assert wrong(refused, "quiet")
    cleared = shop.post(at(shop, "/preferences"), {"topic": "1", "wanted": ["1.app"]})
    assert cleared.field("begin") == ""
    assert '<option value="sms" selected>' not in cleared.text


def test_a_consent_is_recorded_and_taken_back(shop: Browser) -> None:
    said = {"contact": "sms:13800000000", "purpose": "marketing", "source": "call"}
    page = shop.post(at(shop, "/consents"), {**said, "given": "1", "text_version": "v7"})
    assert "138****0000 shop marketing agrees v7" in page.plain
    shop.world.clock.advance(1)
    assert "taken back" in shop.post(at(shop, "/consents"), {**said, "given": "0"}).plain
    refused = shop.post(at(shop, "/consents"), {**said, "purpose": "not one!"})
    assert (refused.status, refused.field("purpose")) == (400, "not one!")
    assert wrong(refused, "f-purpose")


def test_all_that_is_known_is_exported_and_logged(shop: Browser) -> None:
    file = shop.post(at(shop, "/export"))
    assert "attachment" in file.headers["Content-Disposition"]
    assert json.loads(file.text)["user"]["userid"] == "u1"
    assert "/admin/v1/users/{userid}/export" in shop.get("/audit").plain


def test_a_person_is_forgotten_once_the_userid_is_typed(shop: Browser) -> None:
    refused = shop.post(at(shop, "/erasure"), {"again": "u2"})
    assert wrong(refused, "f-again")
    assert shop.get(at(shop)).status == 200
    assert "The person is forgotten" in shop.post(at(shop, "/erasure"), {"again": "u1"}).plain
    assert shop.get(at(shop)).status == 404


def test_only_administrators_forget_people(shop: Browser) -> None:
    a_member(shop.world, Role.OPERATOR, "other")
    other = Browser(shop.world)
    other.sign_in("other")
    assert "Forget the person" not in other.get(at(shop)).plain
    assert other.post(at(shop, "/erasure"), {"again": "u1"}).status == 403


@pytest.mark.parametrize("time", [1, 10**15, 10**17, 2**63 - 1])
def test_an_event_at_any_time_that_is_stored_can_be_shown(shop: Browser, time: int) -> None:
    """Senders that count microseconds were taken at their word."""
    users.change(shop.world, [UserChange("u1", events=(Event("bought", time),))])
    page = shop.get(at(shop))
    assert (page.status, "bought" in page.plain) == (200, True)


def test_a_message_that_was_never_sent_is_not_of_this_person(shop: Browser) -> None:
    page = shop.get(at(shop, f"/messages/states?msgids={shop.msgid},{'v' * 16}"))
    assert (page.status, "not for this person" in page.plain) == (200, True)
