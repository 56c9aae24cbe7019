"""Pages: all of them in both languages, for every role, with forms that keep what was typed."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.console import mails, pages, paths
from chalicelib.console.app import HEADERS, POLICY
from chalicelib.console.routes import ROUTES
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role
from chalicelib.flow import days
from chalicelib.ports import Document
from chalicelib.reports import comparison
from tests.console.conftest import NAME, Browser, Page, a_member, plain
from tests.console.shops import sent
from tests.console.shops import shop as shop

pages.load()


def addresses(browser: Browser) -> list[str]:
    """Return an address for every page that is read."""
    ids = {
        "key": browser.key,
        "msgid": browser.msgid,
        "target": "u1",
        "userid": "u1",
        "code": "sms1",
        "tab": "segments",
        "kind": "black",
        "platform": "smtp",
        "access_key": next(iter(browser.world.records.of(_members()).list())).key,
    }
    paths = [
        route.path for route in ROUTES if route.method == "GET" and "check_id" not in route.path
    ]
    # Nothing of the kind is there.
    absent = ("/imports/{id}", "/review/{id}", "/calls/{id}", "/scheduled/{id}", "/{id}/edit")
    # See test_third_party.py.
    absent += ("/channels/{code}/templates/{id}", "/channels/{code}/signatures/{id}")
    absent += ("/library", "/library/{id}")
    absent = (*absent, "/ab-tests/{id}", "/inbox", "/inbox/{number}/mail")
    absent = (*absent, "/tags/used", "/messages/states")  # parts of pages
    paths = [path for path in paths if not path.endswith(absent)]
    return [re.sub(r"\{(\w+)\}", lambda name: ids.get(name[1], "1"), path) for path in paths]


def _members() -> Any:
    from chalicelib.domain.members import MEMBERS

    return MEMBERS


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_answers_in_the_language_with_a_heading_and_the_policy(
    shop: Browser, language: str
) -> None:
    shop.language = language
    for path in addresses(shop):
        page = shop.get(path)
        assert page.status == 200, (path, page.plain)
        if "html" in page.headers["Content-Type"]:
            check(page, language)


def check(page: Page, language: str) -> None:
    assert page.text.count("<h1") == 1, page.path
    assert f'<html lang="{"zh-Hans" if language == "zh" else "en"}"' in page.text
    policy = page.headers["Content-Security-Policy"]
    assert all(directive in policy for directive in POLICY)
    assert "unsafe" not in policy
    assert not re.search(r"\sstyle=|\son\w+=|javascript:", page.text), page.path
    assert '="False"' not in page.text
    labels = set(re.findall(r'<label[^>]* for="([^"]+)"', page.text))
    ids = re.findall(r'\sid="([^"]+)"', page.text)
    assert labels <= set(ids), page.path
    assert len(ids) == len(set(ids)), (page.path, [each for each in ids if ids.count(each) > 1])


@pytest.mark.parametrize("role", [Role.READ_ONLY, Role.REVIEWER, Role.OPERATOR])
def test_a_page_shows_a_member_only_what_the_member_may_do(shop: Browser, role: Role) -> None:
    a_member(shop.world, role, "other")
    other = Browser(shop.world)
    other.sign_in("other")
    for path in addresses(shop):
        page = other.get(path)
        route = next(r for r in ROUTES if r.method == "GET" and r.pattern.fullmatch(path))
        assert page.status == (200 if role.may(Role(route.needs)) else 403), path
    if role is not Role.OPERATOR:
        assert "New message" not in other.get(f"/c/{shop.key}").plain


def test_no_change_is_made_by_somebody_without_the_role(shop: Browser) -> None:
    a_member(shop.world, Role.READ_ONLY, "other")
    other = Browser(shop.world)
    other.sign_in("other")
    for route in ROUTES:
        if route.method == "POST" and route.needs != Role.READ_ONLY:
            path = re.sub(r"\{(\w+)\}", lambda n: shop.key if n[1] == "key" else "1", route.path)
            assert other.post(path, {"do": "save"}).status == 403, path


def test_a_role_on_an_access_channel_shows_its_pages_and_no_others(shop: Browser) -> None:
    key = a_member(shop.world, Role.READ_ONLY, "ann")
    fields = {"name": "Ann", "role": "read-only", "enabled": "1", f"at.{shop.key}": "operator"}
    fields["version"] = shop.get(f"/members/{key}").field("version")
    changed = shop.post(f"/members/{key}", fields)
    assert re.search(r'value="operator" selected', changed.text)
    ann = Browser(shop.world)
    ann.sign_in("ann")
    base = f"/c/{shop.key}"
    assert "New message" in ann.get(base).plain
    assert ann.post(f"{base}/rules/topics", {"name": "Orders"}).status == 200
    assert ann.get(f"{base}/users/new").status == 403
    assert ann.post(f"{base}/users/u1/delete").status == 403
    other = re.findall(r"/access/(\w{10,})", shop.post("/access/new", {"name": "other"}).text)[0]
    assert ann.get(f"/c/{other}/send").status == 403
    assert ann.post(f"/c/{other}/rules/topics", {"name": "Orders"}).status == 403


def test_contacts_are_masked_for_those_who_may_only_read(shop: Browser) -> None:
    a_member(shop.world, Role.READ_ONLY, "other")
    other = Browser(shop.world)
    other.sign_in("other")
    for path in (f"/c/{shop.key}/users/u1?show=1", f"/c/{shop.key}/users"):
        assert "13800000000" not in other.get(path).text
    assert "13800000000" in shop.get(f"/c/{shop.key}/users/u1?show=1").text
    assert "13800000000" not in shop.get(f"/c/{shop.key}/users/u1").text


def test_a_refused_form_says_why_beside_the_field_and_keeps_what_was_typed(shop: Browser) -> None:
    page = shop.post("/channels/new", {"platform": "jsms", "name": "x", "code": "not a code!"})
    assert page.status == 400
    assert page.field("code") == "not a code!"
    assert re.search(r'id="f-code"[^>]*aria-invalid="true"', page.text)
    assert 'id="f-code-e"' in page.text


def test_two_clicks_send_one_message(shop: Browser) -> None:
    base = f"/c/{shop.key}"
    assert sent(shop, base) == sent(shop, base)


def test_a_message_is_asked_for_once_more_before_it_leaves(shop: Browser) -> None:
    fields = {"do": "check", "kind": "template", "template": "1", "audience": "everyone"}
    page = shop.post(f"/c/{shop.key}/send", {**fields, "v.name": "Li"})
    assert "Send this message?" in page.plain
    assert re.search(r'id="go"[^>]* disabled', page.text)


def test_a_stale_form_is_refused_and_changes_nothing(shop: Browser) -> None:
    path = f"/c/{shop.key}/groups/segments/1"
    shop.post(path, {"version": "1", "name": "pals"})
    page = shop.post(path, {"version": "1", "name": "foes"})
    assert page.status == 412
    assert "pals" in shop.get(path).text


def test_texts_of_people_are_escaped_everywhere(shop: Browser) -> None:
    evil = "<script>alert(1)</script>"
    base = f"/c/{shop.key}"
    shop.post(f"{base}/segments", {"name": evil[:30]})
    shop.post(
        f"{base}/templates/new", {"do": "save", "name": "x", "types": "app", "c.app.alert": evil}
    )
    for path in (f"{base}/segments", f"{base}/templates/2", f"{base}/templates/2/versions"):
        assert "<script>alert" not in shop.get(path).text


def test_a_mail_is_shown_where_nothing_can_run_and_nothing_is_loaded(shop: Browser) -> None:
    page = shop.post("/mail", {"html": "<script>alert(1)</script><p>Hello"})
    assert page.headers["Content-Security-Policy"] == mails.POLICY
    typed = {"types": "email", "c.email.subject": "s", "c.email.html": "<p>Hello"}
    preview = shop.post(f"/c/{shop.key}/templates/new", {"do": "preview", **typed})
    assert "without pictures from other sites" in preview.plain


def test_the_search_tells_ids_and_contacts_apart(shop: Browser) -> None:
    def found(text: str) -> str:
        shop.world.clock.advance(1)  # five searches in a second
        return plain(shop.post("/search", {"q": text, "channel": shop.key}).text)

    assert shop.msgid in found(shop.msgid)
    assert "u1 138****0000" in found("13800000000")
    assert "u1" in found("u")
    assert "greeting" in found("GREET")
    assert "Nothing found" in found("nobody@example.com")


def test_a_message_stands_beside_the_mean_of_thirty_days(shop: Browser) -> None:
    path = f"/c/{shop.key}/messages/{shop.msgid}"
    assert "mean" not in shop.get(path).plain
    kind = next(iter(comparison.of_message(shop.world, shop.key, shop.msgid)["channels"]))
    day = days.day_of(shop.world.limits, shop.world.clock.now())
    stages = {"submitted": 8, "delivered": 6}
    counts = {f"channel|{kind['channel_type']}|x|{stage}": n for stage, n in stages.items()}
    document = Document(days.day_key(shop.key, day), 1, {"seen": 1, "counts": counts})
    assert shop.world.figures.store([document])
    page = shop.get(path)
    assert "mean 75.0%" in page.plain
    assert 'class="mean" x1="80.0%"' in page.text
    check(page, "en")


def test_changes_stand_in_the_audit_log_with_the_member(shop: Browser) -> None:
    text = shop.get("/audit").plain
    assert f"member {NAME}" in text
    assert "POST /admin/v1/messages" in text
    assert "PUT /admin/v1/access-channels/{key}/channels/{code}" in text


def test_an_address_of_a_message_alone_leads_to_it(shop: Browser) -> None:
    assert shop.get(f"/m/{shop.msgid}").path.endswith(f"/messages/{shop.msgid}")
    assert shop.get(f"/m/{shop.msgid}/u1").title == "u1"


def test_a_wrong_address_is_a_page_and_not_a_crash(browser: Browser) -> None:
    for path in (
        "/nothing",
        "/c/x",
        "/c/%2F/messages",
        "/c/x/messages/y",
        "/channels/none",
        "/m/1",
    ):
        page = browser.get(path)
        assert page.status == 404, path
        assert page.title == "That did not work"
        assert "There is nothing here" in page.plain
        assert "Nothing was changed" not in page.plain


def test_everything_can_be_chosen_however_much_there_is(shop: Browser) -> None:
    base = f"/c/{shop.key}"
    for number in range(104):
        shop.post(f"{base}/segments", {"name": f"friends {number}"})
    chosen = shop.get(f"{base}/send").text
    assert "friends 103" in chosen


def test_a_fault_of_ours_has_the_headers_of_every_page(
    shop: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Visit, "show", lambda *_, **__: 1 / 0)
    page = shop.get("/channels")
    assert page.status == 500
    assert all(page.headers[name] == value for name, value in HEADERS.items())
    assert all(directive in page.headers["Content-Security-Policy"] for directive in POLICY)


@pytest.mark.parametrize("who", ["a#b&c", "￥1", "a/b\r\nSet-Cookie: x=1", "%2F"])
def test_an_address_leads_to_the_person_whatever_the_userid_has(shop: Browser, who: str) -> None:
    path = f"/c/{shop.key}/messages/{shop.msgid}/people"
    reply = shop._ask("GET", f"{path}?{urlencode({'who': who})}", {}, {})
    assert reply.status == 303
    below = reply.headers["Location"].removeprefix(f"/console{path}/")
    assert paths.plain(below) == who
    assert re.fullmatch(r"[!-~]+", reply.headers["Location"])
