"""Saving a form untouched changes nothing, whatever the API has stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.members import MEMBERS, Role
from chalicelib.entrypoints.http.console.api import MemberApi
from tests.console.conftest import Browser
from tests.console.html_forms import form_to, save_untouched
from tests.console.shops import shop as shop

NIGHT = {"begin": "22:00", "end": "07:00", "time_zone": "Asia/Shanghai", "priorities": [2]}
HERE = {"begin": "01:00", "end": "02:00", "time_zone": "Europe/Berlin", "priorities": [1, 3]}
RULES: Mapping[str, Mapping[str, Any]] = {
    "quiet-hours": {"action": "refuse", "windows": [NIGHT, HERE]},
    "caps": {
        "caps": [{"most": 3, "hours": 48, "exempt": []}, {"most": 1, "hours": 36, "topic": 1}]
    },
    "budget": {"per_month": 1234567.125, "warn_at": 0.855, "exempt": [3]},
    "consents": {"purpose": "marketing", "exempt": [2]},
    "retention": {"days": 14},
    "broadcast-quota": {"per_day": 0},
}


def api(shop: Browser) -> MemberApi:
    members = shop.world.records.of(MEMBERS).list()
    chosen = next(member for member in members if member.role is Role.ADMINISTRATOR)
    return MemberApi(shop.world, chosen, "en")


def without_version(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in ("version", "changed")}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_of_sending_stays_as_it_is(shop: Browser, rule: str) -> None:
    path = f"{rule}/{{key}}"
    version = api(shop).get(path, key=shop.key)["version"]
    api(shop).change("PUT", path, RULES[rule], version=version, key=shop.key)
    before = api(shop).get(path, key=shop.key)
    page = save_untouched(shop, f"/c/{shop.key}/rules", f"/c/{shop.key}/rules/{rule}")
    assert page.status == 200, page.plain
    assert without_version(api(shop).get(path, key=shop.key)) == without_version(before)


def test_a_stale_form_does_not_switch_a_rule_off(shop: Browser) -> None:
    path = f"/c/{shop.key}/rules/retention"
    old = form_to(shop.get(f"/c/{shop.key}/rules"), path)
    assert shop.post(path, {**old.fields, "csrf": shop.csrf, "days": "14"}).status == 200
    assert shop.post(path, {**old.fields, "csrf": shop.csrf}).status == 412
    assert api(shop).get("retention/{key}", key=shop.key)["days"] == 14


@pytest.mark.parametrize("links", [[], ["n"], ["n", "url"]])
def test_a_template_keeps_its_short_links(shop: Browser, links: list[str]) -> None:
    contents = {"app": {"alert": "{{url}} {{n}}"}}
    body = {"channel_key": shop.key, "name": "x", "contents": contents, "links": links}
    api(shop).change("POST", "templates", body)
    path = f"/c/{shop.key}/templates/2"
    assert save_untouched(shop, path, do="save").status == 200
    assert api(shop).get("templates/{template_id}", template_id="2")["links"] == links


def test_the_last_short_link_can_be_taken_away(shop: Browser) -> None:
    path = f"/c/{shop.key}/templates/new"
    typed = {"name": "x", "types": "app", "c.app.alert": "{{url}}"}
    form = form_to(shop.post(path, {**typed, "do": "preview"}), path)
    assert form.fields["links"] == ["url"]
    form = form_to(shop.post(path, {**typed, "shown": "url", "do": "preview"}), path)
    assert "links" not in form.fields
    shop.post(path, {**typed, "shown": "url", "do": "save"})
    assert api(shop).get("templates/{template_id}", template_id="2")["links"] == []


def test_a_user_keeps_attributes_that_lines_cannot_hold(shop: Browser) -> None:
    values = {"note": "one\ntwo", "p": " x ", "n": 1.5, "b": "a = b", "l": ["x"], "yes": True}
    api(shop).change("POST", "users", {"userid": "u9", "attributes": values})
    assert save_untouched(shop, f"/c/{shop.key}/users/u9/edit").status == 200
    assert api(shop).get("users/{userid}", userid="u9")["attributes"] == values


def test_a_segment_with_blanks_in_a_value_is_left_to_the_api(shop: Browser) -> None:
    rule = {"all": [{"attribute": "city", "is": "equals", "value": " Li "}]}
    body = {"channel_key": shop.key, "kind": "rules", "name": "x", "rule": rule}
    id = str(api(shop).change("POST", "segments", body)["id"])
    path = f"/c/{shop.key}/segments/{id}"
    assert "The editor cannot show all of this rule" in shop.get(path).plain
    assert save_untouched(shop, path, do="save").status == 200
    assert api(shop).get("segments/{id}", id=id)["rule"] == rule


def test_a_level_of_reviews_stays_when_its_reviewer_is_deleted(shop: Browser) -> None:
    added = [api(shop).change("POST", "members", {"name": n, "role": "reviewer"}) for n in "ab"]
    keys = [member["access_key"] for member in added]
    path = "access-channels/{key}/reviews"
    cases = [{"origin": "api", "kinds": ["template"], "audiences": ["everyone"]}]
    levels = [[key] for key in keys]
    body = {"messages": {"levels": levels, "cases": cases}, "templates": None}
    version = api(shop).get(path, key=shop.key)["version"]
    api(shop).change("PUT", path, body, version=version, key=shop.key)
    api(shop).change("DELETE", "members/{access_key}", access_key=keys[1])
    page = shop.get(f"/c/{shop.key}/review/settings")
    assert f"{keys[1]}, who was deleted" in page.plain
    save_untouched(shop, f"/c/{shop.key}/review/settings")
    assert api(shop).get(path, key=shop.key)["messages"]["levels"] == levels


def test_a_time_keeps_its_hour_across_a_change_of_clocks(shop: Browser) -> None:
    """A time in winter and one in summer are tried, since one of them is now."""
    prefer = {"time_zone": "Europe/Berlin"}
    assert shop.post("/account/preferences", prefer).status == 200
    base = f"/c/{shop.key}"
    now = datetime.fromtimestamp(shop.world.clock.now() / 1000, UTC)
    for month in (1, 7):
        at = f"{now.year + (month <= now.month)}-{month:02d}-15T09:00"
        fields = {"do": "send", "kind": "template", "template": "1", "audience": "users"}
        more = {"userids": "u1", "v.name": "Li", "when": "later", "at": at, "once": at}
        page = shop.post(f"{base}/send", {**fields, **more})
        assert page.status == 200, page.text[page.text.find('id="errors"') :][:400]
        assert at.replace("T", " ") in page.plain


def test_a_user_keeps_what_a_program_changed_while_the_form_was_open(shop: Browser) -> None:
    path = f"/c/{shop.key}/users/u1/edit"
    form = form_to(shop.get(path), path)
    tags = {"tag": {"all": ["new"]}}
    more = {"set": {"email": {"all": "li@example.com"}}, "attributes": {"city": "Xi’an"}}
    api(shop).change("POST", "users", {"userid": "u1", "add": tags, **more})
    sent = {**form.fields, "contact.sms.all": "13800000001", "tags": "b", "csrf": shop.csrf}
    assert shop.post(path, sent).status == 200
    user = api(shop).get("users/{userid}", userid="u1")
    assert user["contacts"]["sms"] == {"all": ["13800000001"]}
    assert user["contacts"]["email"] == {"all": ["li@example.com"]}
    assert set(user["tags"]["all"]) == {"b", "new"}
    assert user["attributes"] == {"city": "Xi’an"}


def test_a_user_who_is_there_is_not_added_again(shop: Browser) -> None:
    before = api(shop).get("users/{userid}", userid="u1")
    page = shop.post(f"/c/{shop.key}/users/new", {"userid": "u1", "contact.sms.all": "13900000000"})
    assert page.status == 409
    assert "There is a user with this id." in page.plain
    assert api(shop).get("users/{userid}", userid="u1") == before


def test_a_stale_draft_is_refused_once_and_saved_by_the_next_click(shop: Browser) -> None:
    base = f"/c/{shop.key}"
    fields = {"do": "draft", "kind": "template", "template": "1", "draft_name": "mine"}
    assert shop.post(f"{base}/send", fields).status == 200
    id = api(shop).get("drafts", query={"channel_key": shop.key})["drafts"][0]["id"]
    stale = {**fields, "draft": id, "version": "99", "draft_name": "other"}
    page = shop.post(f"{base}/send", stale)
    assert page.status == 412
    assert page.field("draft_name") == "other"
    assert shop.post(f"{base}/send", {**stale, "version": page.field("version")}).status == 200
    assert api(shop).get("drafts/{id}", id=id)["name"] == "other"


def test_a_draft_that_is_scheduled_is_no_draft_any_more(shop: Browser) -> None:
    base = f"/c/{shop.key}"
    fields = {"kind": "template", "template": "1", "v.name": "Li", "userids": "u1"}
    shop.post(f"{base}/send", {**fields, "do": "draft"})
    query = {"channel_key": shop.key}
    id = api(shop).get("drafts", query=query)["drafts"][0]["id"]
    later = {"when": "repeat", "cron": "0 9 * * *", "time_zone": "UTC", "do": "send", "once": "x"}
    page = shop.post(f"{base}/send", {**fields, **later, "draft": id, "audience": "users"})
    assert page.status == 200, page.plain
    assert api(shop).get("drafts", query=query)["drafts"] == []


def test_a_cap_does_not_widen_when_its_topic_is_deleted(shop: Browser) -> None:
    path = f"/c/{shop.key}/rules"
    version = api(shop).get("caps/{key}", key=shop.key)["version"]
    caps = {"caps": [{"most": 3, "hours": 48, "topic": 1}]}
    api(shop).change("PUT", "caps/{key}", caps, version=version, key=shop.key)
    assert shop.post(f"{path}/topics/1/delete").status == 200
    save_untouched(shop, path, f"{path}/caps")
    assert api(shop).get("caps/{key}", key=shop.key)["caps"][0]["topic"] == 1


def test_a_scheduled_message_keeps_the_strategy_that_was_deleted(shop: Browser) -> None:
    message = {"template_id": 1, "template_para": {"name": "Li"}, "rule_id": 1}
    message |= {"aud_userid": ["u1"], "app_para": {"platform": "all"}}
    body = {"channel_key": shop.key, "message": message}
    schedule = {"cron": "0 9 * * *", "time_zone": "UTC"}
    id = api(shop).change("POST", "schedules", {**body, "schedule": schedule})["id"]
    assert shop.post(f"/c/{shop.key}/strategies/1/delete").status == 200
    page = shop.get(f"/c/{shop.key}/send?schedule={id}")
    assert form_to(page, f"/c/{shop.key}/send").fields["rule_id"] == ["1"]
    assert "1, not there any more" in page.plain
