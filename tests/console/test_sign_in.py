"""Signing in: passwords, sessions, second factors, delays, and forged forms."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from chalicelib import observability
from chalicelib.console.door import SESSION
from chalicelib.domain.logins import LOGINS, MAX_SESSIONS, TOTP_STEP, totp_code
from chalicelib.domain.members import Role
from chalicelib.manage import logins, members
from tests.console.conftest import (
    GLOBAL_KEY,
    GLOBAL_SECRET,
    NAME,
    PASSWORD,
    Browser,
    a_member,
)
from tests.fakes.world import FakeWorld


def test_a_page_asks_who_is_there_and_is_shown_after_signing_in(world: Any) -> None:
    a_member(world, Role.READ_ONLY)
    browser = Browser(world)
    asked = browser.get("/members")
    assert (asked.status, asked.title) == (200, "Sign in")
    page = browser.post("/sign-in", {"name": NAME, "password": PASSWORD, "next": "/members"})
    assert page.path.endswith("/members")


@pytest.mark.parametrize("name", [NAME, "nobody", "", "m" + "0" * 24])
def test_a_wrong_name_and_a_wrong_password_are_refused_alike(world: Any, name: str) -> None:
    a_member(world, Role.READ_ONLY)
    page = Browser(world).post("/sign-in", {"name": name, "password": "wrong"})
    assert page.status == 401
    assert "wrong name or password" in page.plain


def test_the_global_key_signs_in_with_its_secret(world: Any) -> None:
    browser = Browser(world)
    assert browser.sign_in(GLOBAL_KEY, GLOBAL_SECRET).title == ""
    assert browser.get("/account").status == 200


def test_a_first_password_must_be_changed_before_anything_else(world: Any) -> None:
    member, _ = members.add(world, "new", Role.OPERATOR)
    _, first = logins.give(world, member.key, "new")
    browser = Browser(world)
    assert browser.sign_in("new", first).title == "My account"
    assert browser.get("/members").title == "My account"
    assert browser.post("/sign-out").title == "Sign in"
    assert browser.get("/account").title == "Sign in"
    browser.sign_in("new", first)
    fields = {"old": first, "password": PASSWORD, "again": PASSWORD}
    assert browser.post("/account", fields).status == 200
    assert browser.get("/members").title == "Settings"


def test_a_new_password_ends_other_sessions(world: Any) -> None:
    a_member(world, Role.OPERATOR)
    here, there = Browser(world), Browser(world)
    here.sign_in()
    there.sign_in()
    new = "another long password"
    assert here.post("/account", {"old": PASSWORD, "password": new, "again": new}).status == 200
    assert there.get("/account").title == "Sign in"
    assert here.get("/account").title == "My account"


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("wrong", "x" * 6 + "abcdefg", "x" * 6 + "abcdefg"),
        (PASSWORD, "short", "short"),
        (PASSWORD, "aaaaaaaaaaaaaa", "aaaaaaaaaaaaaa"),
        (PASSWORD, PASSWORD, PASSWORD),
        (PASSWORD, "a fine new password", "another one"),
    ],
)
def test_a_password_is_changed_only_to_a_good_one(
    world: Any, old: str, new: str, again: str
) -> None:
    a_member(world, Role.OPERATOR)
    browser = Browser(world)
    browser.sign_in()
    page = browser.post("/account", {"old": old, "password": new, "again": again})
    assert page.status in (400, 401)
    assert 'role="alert"' in page.text


def test_a_session_ends_by_signing_out_by_an_administrator_and_by_time(
    fake: FakeWorld, world: Any
) -> None:
    key = a_member(world, Role.OPERATOR)
    browser = Browser(world)
    browser.sign_in()
    cookie = browser.cookies[SESSION]
    browser.post("/sign-out")
    browser.cookies[SESSION] = cookie
    assert browser.get("/account").title == "Sign in"
    browser.sign_in()
    logins.close_all(world, key)
    assert browser.get("/account").title == "Sign in"
    browser.sign_in()
    fake.clock.advance(12 * 3600 + 1)
    assert browser.get("/account").title == "Sign in"


def test_a_disabled_member_is_out_at_once(world: Any) -> None:
    key = a_member(world, Role.OPERATOR)
    browser = Browser(world)
    browser.sign_in()
    members.change(world, key, None, {"enabled": False}, "somebody")
    assert browser.get("/account").title == "Sign in"
    assert browser.sign_in().status == 401


def test_a_refused_deletion_of_oneself_leaves_the_login(world: Any) -> None:
    key = a_member(world, Role.ADMINISTRATOR)
    browser = Browser(world)
    browser.sign_in()
    refused = browser.post(f"/members/{key}/delete")
    assert (refused.status, world.records.of(LOGINS).get(key).name) == (409, NAME)
    other, _ = members.add(world, "Bob", Role.OPERATOR)
    logins.give(world, other.key, "bob")
    assert browser.post(f"/members/{other.key}/delete").title == "Settings"
    assert world.records.of(LOGINS).get(other.key) is None


def test_a_member_has_so_many_sessions_and_the_oldest_ends(fake: FakeWorld, world: Any) -> None:
    key = a_member(world, Role.OPERATOR)
    first = Browser(world)
    first.sign_in()
    for _ in range(MAX_SESSIONS):
        fake.clock.advance(61)
        login = world.records.of(LOGINS).get(key)
        logins.open_session(world, login)
    assert len(world.records.of(LOGINS).get(key).sessions) == MAX_SESSIONS
    assert first.get("/account").title == "Sign in"


def test_a_second_factor_is_asked_for_and_each_code_counts_once(
    fake: FakeWorld, world: Any
) -> None:
    a_member(world, Role.OPERATOR)
    browser = Browser(world)
    browser.sign_in()
    page = browser.get("/account/second-factor")
    text = page.field("secret")
    code = _code(fake, text)
    browser.post("/account/second-factor", {"secret": text, "code": code})
    other = Browser(world)
    assert other.sign_in().title == "Enter the code"
    assert other.post("/code", {"code": code}).status == 401
    assert other.post("/code", {"code": "é١²"}).status == 401
    fake.clock.advance(TOTP_STEP)
    assert other.post("/code", {"code": _code(fake, text)}).status == 200
    assert other.get("/account").title == "My account"


def test_a_session_alone_replaces_no_second_factor(fake: FakeWorld, world: Any) -> None:
    key = a_member(world, Role.OPERATOR)
    browser = Browser(world)
    browser.sign_in()
    text = browser.get("/account/second-factor").field("secret")
    browser.post("/account/second-factor", {"secret": text, "code": _code(fake, text)})
    sealed = world.records.of(LOGINS).get(key).totp
    fake.clock.advance(TOTP_STEP)
    other = "GE" * 16  # of somebody who has the session, but not the app
    page = browser.post("/account/second-factor", {"secret": other, "code": _code(fake, other)})
    assert (page.status, "turn it off first" in page.plain) == (400, True)
    assert world.records.of(LOGINS).get(key).totp == sealed
    assert browser.get("/account/second-factor").title == "My account"
    browser.post("/account/second-factor/drop", {"code": _code(fake, text)})
    fake.clock.advance(TOTP_STEP)
    browser.post("/account/second-factor", {"secret": other, "code": _code(fake, other)})
    assert world.records.of(LOGINS).get(key).totp not in (b"", sealed)


def _code(fake: FakeWorld, text: str) -> str:
    import base64

    return totp_code(base64.b32decode(text), fake.clock.now() // 1000 // TOTP_STEP)


def test_codes_are_those_of_rfc_6238() -> None:
    secret = b"12345678901234567890"
    vectors = {59: "287082", 1111111109: "081804", 20000000000: "353130"}
    assert {at: totp_code(secret, at // 30) for at in vectors} == vectors


def test_a_pending_sign_in_cannot_be_forged_or_come_late(fake: FakeWorld, world: Any) -> None:
    key = a_member(world, Role.OPERATOR)
    browser = Browser(world)
    late, long = f"{key}.99999999999.{'0' * 64}", f"{key}.{'9' * 5000}.é"
    for forged in (late, long, f"{key}.².x", "..", ""):
        browser.cookies["__Host-pending"] = forged
        assert browser.post("/code", {"code": "000000"}).status == 401


def test_a_change_without_the_session_token_or_from_another_site_is_refused(
    browser: Browser,
) -> None:
    right, browser.csrf = browser.csrf, "wrong"
    assert browser.post("/access/new", {"name": "shop"}).status == 403
    browser.csrf = right
    assert browser.post("/access/new", {"name": "shop"}, sec_fetch_site="cross-site").status == 403
    assert browser.post("/access/new", {"name": "shop"}).status == 200


@pytest.mark.parametrize(
    "wanted",
    [
        *("//evil.example", "https://evil.example", "/\\evil", "x"),
        *("/c/../../l/token", "/c/%2e%2E/.%2e/l/token", "/c/..", "/c/.?x=1", "/a/./../../docs"),
    ],
)
def test_nobody_is_led_away_after_signing_in(world: Any, wanted: str) -> None:
    a_member(world, Role.OPERATOR)
    browser = Browser(world)
    page = browser._ask(
        "POST", "/sign-in", {"name": NAME, "password": PASSWORD, "next": wanted}, {}
    )
    assert page.headers["Location"] == "/console"


ASKED = (
    "/audit?actor=a+b&action=%2B",
    "/channels?x=~-._&y=%2F%2Fevil",
    "/c/shop/users/a~2Fb~3F%20%E4%B8%AD",
    "/c/shop/users/..a",
)


@pytest.mark.parametrize("path", ASKED)
def test_the_page_that_was_asked_for_opens_after_signing_in(world: Any, path: str) -> None:
    a_member(world, Role.OPERATOR)
    browser = Browser(world)
    before = browser.get(path)
    switched = browser.post("/preferences", {"lang": "zh", "back": before.field("back")})
    assert "登录" in switched.text
    fields = {"name": NAME, "password": PASSWORD, "next": switched.field("next")}
    page = browser._ask("POST", "/sign-in", fields, {})
    assert page.headers["Location"] == f"/console{path}"


def test_an_address_that_no_header_holds_is_not_kept(world: Any) -> None:
    a_member(world, Role.OPERATOR)
    asked = Browser(world)._ask("GET", f"/audit?actor={'%E4' * 2500}", {}, {})
    assert len(asked.headers["Location"]) < 100
    fields = {"name": NAME, "password": PASSWORD, "next": "/audit?" + "a" * 9000}
    assert Browser(world)._ask("POST", "/sign-in", fields, {}).headers["Location"] == "/console"


def test_choosing_the_language_keeps_the_page_and_what_it_shows(browser: Browser) -> None:
    back = browser.get("/audit?actor=a+b&action=%2B&done=saved").field("back")
    page = browser._ask("POST", "/preferences", {"csrf": browser.csrf, "back": back}, {})
    assert page.headers["Location"] == "/console/audit?actor=a+b&action=%2B"


def test_the_cookie_of_a_session_is_kept_from_scripts_and_other_sites(world: Any) -> None:
    a_member(world, Role.OPERATOR)
    page = Browser(world)._ask("POST", "/sign-in", {"name": NAME, "password": PASSWORD}, {})
    (cookie,) = [text for text in page.cookies if text.startswith(SESSION)]
    assert re.search(r"; Secure; HttpOnly; SameSite=Lax$", cookie)
    assert NAME not in cookie


def test_whoever_is_refused_leaves_a_trace_and_who_signs_in_is_not_refused(
    world: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused() -> list[str]:
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return [line["message"] for line in lines if line.get("level") == "WARNING"]

    observability.set_up()
    a_member(world, Role.READ_ONLY)
    browser = Browser(world)
    refused()
    browser.sign_in()
    assert refused() == []
    assert not observability._metrics.get(observability.REFUSED)
    browser.get("/members/new")
    browser.post("/sign-out", {"csrf": "wrong"})
    browser.post("/account", sec_fetch_site="cross-site")
    assert refused() == ["page_refused"] * 3
    browser.sign_in(password="wrong")
    assert refused() == ["sign_in_refused"]
    assert observability._metrics[observability.REFUSED] == 4
