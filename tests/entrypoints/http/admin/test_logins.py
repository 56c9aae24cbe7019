"""Logins of members: given with a first password, taken away, and their sessions ended."""

from __future__ import annotations

import pytest

from chalicelib.domain.logins import LOGINS
from chalicelib.manage import logins
from tests.entrypoints.conftest import Api


@pytest.fixture
def member(api: Api) -> str:
    body = {"name": "Ann", "role": "operator"}
    return str(api.admin("POST", "members", body).json["access_key"])


def test_a_member_has_no_login_until_an_administrator_gives_one(api: Api, member: str) -> None:
    assert api.admin("GET", f"members/{member}/login").status == 404
    given = api.admin("PUT", f"members/{member}/login", {"login": "ann"}).json
    assert (given["login"], given["must_change"], given["second_factor"]) == ("ann", True, False)
    assert len(given["password"]) >= 16
    shown = api.admin("GET", f"members/{member}/login").json
    assert "password" not in shown
    assert logins.sign_in(api.world, "ann", given["password"], "")[1].key == member


def test_a_new_password_replaces_the_old_one_and_ends_sessions(api: Api, member: str) -> None:
    path = f"members/{member}/login"
    first = api.admin("PUT", path, {"login": "ann"}).json["password"]
    login, _ = logins.sign_in(api.world, "ann", first, "")
    cookie = logins.open_session(api.world, login)
    assert api.admin("GET", path).json["sessions"] == 1
    second = api.admin("PUT", path, {"login": "ann"}).json["password"]
    assert second != first
    assert logins.session(api.world, cookie) is None


def test_sessions_end_all_at_once(api: Api, member: str) -> None:
    path = f"members/{member}/login"
    password = api.admin("PUT", path, {"login": "ann"}).json["password"]
    for _ in range(2):
        login, _ = logins.sign_in(api.world, "ann", password, "")
        logins.open_session(api.world, login)
    assert api.admin("DELETE", f"{path}/sessions").json == {"ended": 2}
    assert api.admin("DELETE", path).status == 204
    assert api.admin("GET", path).status == 404


@pytest.mark.parametrize("name", ["", "Ann", "a@b.example", "-a", "a" * 33, "a b"])
def test_a_wrong_name_is_refused(api: Api, member: str, name: str) -> None:
    assert api.admin("PUT", f"members/{member}/login", {"login": name}).status == 400


def test_two_members_never_share_a_name(api: Api, member: str) -> None:
    other = api.admin("POST", "members", {"name": "Bob", "role": "operator"}).json["access_key"]
    assert api.admin("PUT", f"members/{member}/login", {"login": "ann"}).status == 200
    assert api.admin("PUT", f"members/{other}/login", {"login": "ann"}).status == 409
    assert api.admin("PUT", "members/unknown/login", {"login": "eve"}).status == 404


def test_a_new_secret_ends_sessions_that_the_old_one_may_have_opened(api: Api) -> None:
    added = api.admin("POST", "members", {"name": "Ann", "role": "operator"}).json
    key, secret = added["access_key"], added["access_secret"]
    login, _ = logins.sign_in(api.world, key, secret, "")
    cookie = logins.open_session(api.world, login)
    assert logins.session(api.world, cookie) is not None
    assert api.admin("POST", f"members/{key}/secret").status == 200
    assert logins.session(api.world, cookie) is None


def test_a_member_who_is_deleted_leaves_no_login(api: Api, member: str) -> None:
    assert api.admin("PUT", f"members/{member}/login", {"login": "ann"}).status == 200
    assert api.admin("DELETE", f"members/{member}").status == 204
    other = api.admin("POST", "members", {"name": "Bob", "role": "operator"}).json["access_key"]
    assert api.admin("PUT", f"members/{other}/login", {"login": "ann"}).status == 200
    assert api.admin("DELETE", f"members/{other}").status == 204
    assert list(api.world.records.of(LOGINS).all()) == []
