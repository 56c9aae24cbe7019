"""Scheduled messages in the console: made, filtered, changed, copied, and their results."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.members import MEMBERS, Member
from chalicelib.domain.stored_requests import Outcome, Result
from chalicelib.entrypoints.http.console.api import MemberApi
from tests.console.conftest import Browser, Page
from tests.console.shops import shop as shop
from tests.console.test_rules import wrong

MESSAGE = {
    "kind": "template",
    "template": "1",
    "rule_id": "1",
    "audience": "users",
    "userids": "u1",
    "v.name": "Li",
    "priority": "3",
}
LATER = {"when": "later", "at": "2027-06-01T09:00"}
CRON = {"when": "repeat", "cron": "0 9 * * mon-fri", "time_zone": "Asia/Shanghai"}
DATE = {"when": "date", "attribute": "birthday", "days": "-3", "time": "09:00", "yearly": "1"}
WAITING = re.compile(r"/messages/scheduled/([0-9a-z]{16})\"")


def made(shop: Browser, times: dict[str, str], **more: Any) -> Page:
    fields = {"do": "send", "once": times["when"], **MESSAGE, **times, **more}
    return shop.post(f"/c/{shop.key}/send", fields)


def the_id(page: Page) -> str:
    found = WAITING.search(page.text)
    assert found is not None, page.plain
    return found[1]


def form(page: Page) -> dict[str, str]:
    """Return what the form of a message sends."""
    names = {*MESSAGE, "at", "cron", "attribute", "days", "time", "time_zone", "once", "name"}
    names |= {"until", "zone_attribute", "if_late"}
    ticked = dict(re.findall(r'name="([\w.]+)" value="([^"]*)" checked', page.text))
    boxes = re.findall(r'<select[^>]* name="(\w+)".*?</select>', page.text, re.DOTALL)
    picked = {name: _picked(page, name) for name in boxes}
    return {name: page.field(name) for name in names - {*ticked, *boxes}} | ticked | picked


def _picked(page: Page, name: str) -> str:
    box = re.search(rf'<select[^>]* name="{name}".*?</select>', page.text, re.DOTALL)
    assert box is not None
    found = re.search(r'value="(\w*)" selected', box[0])
    return found[1] if found else ""


@pytest.mark.parametrize("times", [LATER, {**CRON, "until": "2027-12-31T00:00"}, DATE])
def test_a_message_is_scheduled_changed_copied_and_deleted(
    shop: Browser, times: dict[str, str]
) -> None:
    times = {"time_zone": "Asia/Shanghai", **times}
    id, path = the_id(made(shop, times, name="first", topic="1")), f"/c/{shop.key}/send"
    edit = shop.get(f"{path}?schedule={id}")
    assert edit.title == "Change the scheduled message"
    fields = form(edit)
    for name, value in {**MESSAGE, **times, "topic": "1", "name": "first"}.items():
        assert fields[name] == value, name
    own = {"schedule": id, "version": edit.field("version"), "do": "send"}
    changed = shop.post(path, {**fields, **own, "name": "second", "v.name": "Wang"})
    assert "second" in changed.plain
    assert "first" not in changed.plain
    assert '"Wang"' in shop.get(f"/c/{shop.key}/messages/scheduled/{id}").plain
    copy = shop.get(f"{path}?schedule={id}&copy=1")
    assert 'name="schedule"' not in copy.text
    both = shop.post(path, {**form(copy), "do": "send", "name": "third"}).plain
    assert "second" in both
    assert "third" in both
    gone = shop.post(f"/c/{shop.key}/messages/scheduled/{id}/delete").plain
    assert "second" not in gone
    assert "third" in gone


def test_a_wrong_time_stands_beside_its_field_with_what_was_typed(shop: Browser) -> None:
    refused = made(shop, {**CRON, "cron": "every day"})
    assert (refused.status, refused.field("cron")) == (400, "every day")
    assert wrong(refused, "f-cron")
    assert wrong(made(shop, {"when": "later", "at": ""}), "f-at")
    assert wrong(made(shop, {**DATE, "attribute": "", "time_zone": "UTC"}), "f-attribute")


def test_scheduled_messages_are_filtered(shop: Browser) -> None:
    made(shop, LATER, name="in June")
    path = f"/c/{shop.key}/messages/scheduled"
    for query in ("", "?from=2027-06-01&to=2027-06-01", "?kind=template", "?audience=users"):
        assert "in June" in shop.get(path + query).plain, query
    for query in ("?from=2027-06-02", "?kind=ordinary", "?audience=everyone", "?channel=email"):
        assert "Nothing that waits matches" in shop.get(path + query).plain, query
    assert shop.get(f"{path}?from=soon").status == 400
    assert shop.get(f"{path}?to=9999-12-31").status == 400


def test_a_message_that_the_form_cannot_hold_is_changed_as_json(shop: Browser) -> None:
    message = {"template_id": 1, "template_para": {"name": "Li"}, "rule_id": 1}
    message |= {"aud_userid": ["u1"], "aud_tag": ["a"], "app_para": {"platform": "all"}}
    body = {"channel_key": shop.key, "message": message}
    schedule = {"at": "2027-06-01T09:00", "time_zone": "Asia/Shanghai"}
    api = MemberApi(shop.world, an_administrator(shop), "en")
    id = api.change("POST", "schedules", {**body, "schedule": schedule})["id"]
    edit = shop.get(f"/c/{shop.key}/send?schedule={id}")
    assert "parts that the form cannot show" in edit.plain
    path = f"/c/{shop.key}/messages/scheduled/{id}/edit"
    fields = {name: edit.field(name) for name in ("version", "message", "schedule")}
    assert "Saved." in shop.post(path, {**fields, "name": "both"}).plain
    refused = shop.post(path, {**fields, "message": "{"})
    assert (refused.status, refused.field("message")) == (400, "{")
    assert wrong(refused, "f-message")


def an_administrator(shop: Browser) -> Member:
    return next(iter(shop.world.records.of(MEMBERS).list()))


def test_results_say_why_a_time_was_not_sent(shop: Browser) -> None:
    id = the_id(made(shop, LATER))
    at, stored = shop.world.clock.now(), shop.world.stored.get(id)
    for outcome, words in (
        (Outcome.REFUSED, "the template is archived 1015031"),
        (Outcome.MISSED, "3 times in a row were noticed too late."),
        (Outcome.IN_REVIEW, "Nobody had approved it in time."),
    ):
        result = Result(id, at, at, outcome, "", 1015031, "the template is archived", 3, at)
        after = replace(stored, version=stored.version + 1)
        shop.world.stored.update(stored, after, result)
        stored = after
        page = shop.get(f"/c/{shop.key}/messages/results").plain
        assert words in page, outcome


@pytest.mark.parametrize("days", ["to=9999-12-31", "from=2026-02-30", "from=x&to=y"])
def test_a_filter_by_a_day_that_does_not_exist_says_so(shop: Browser, days: str) -> None:
    page = shop.get(f"/c/{shop.key}/messages/scheduled?{days}")
    assert (page.status, "That is not a day." in page.plain) == (400, True)


def test_the_filter_takes_the_last_day_but_one(shop: Browser) -> None:
    assert shop.get(f"/c/{shop.key}/messages/scheduled?to=9999-12-30").status in (200, 400)
