"""Members, what their roles let them do, and the log of what they did."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chalice.app import Blueprint

import app
from chalicelib.domain.members import MEMBERS, Role
from chalicelib.entrypoints.http.contract import Auth
from chalicelib.entrypoints.http.problems import problem_details
from chalicelib.entrypoints.http.route import route
from tests.entrypoints.conftest import (
    ADMIN,
    CONTENTS,
    JPUSH,
    KEY,
    OPERATOR,
    OTHER_KEY,
    SENDER,
    Api,
)
from tests.entrypoints.http.admin.management import problem

TEMPLATE = {"channel_key": KEY, "name": "new", "contents": CONTENTS}


def a_member(api: Api, role: str, name: str = "Chen") -> tuple[str, str]:
    """Access key, and how it says who it is."""
    made = api.admin("POST", "members", {"name": name, "role": role})
    assert made.status == 201
    return made.json["access_key"], f"{made.json['access_key']}:{made.json['access_secret']}"


def test_a_members_secret_is_shown_once_and_only_its_hash_is_kept(api: Api) -> None:
    made = api.admin("POST", "members", {"name": "Chen", "role": "operator"}).json
    secret = made.pop("access_secret")
    assert made == {
        "access_key": made["access_key"],
        "name": "Chen",
        "role": "operator",
        "roles": {},
        "enabled": True,
        "version": 1,
    }
    assert api.admin("GET", f"members/{made['access_key']}").json == made
    assert api.admin("GET", "members").json == {"members": [made], "cursor": None}
    assert secret not in repr(api.fake.records.of(MEMBERS).stored)


CALLS: list[tuple[str, str, Any, set[str]]] = [
    ("GET", "channels", None, {"administrator", "operator", "reviewer", "read-only"}),
    ("GET", "audit", None, {"administrator", "operator", "reviewer", "read-only"}),
    (
        "POST",
        "templates/1/preview",
        {"template_para": {"name": "x"}},
        {"administrator", "operator", "reviewer", "read-only"},
    ),
    ("POST", "templates", TEMPLATE, {"administrator", "operator"}),
    (
        "POST",
        "lists",
        {"channel_key": KEY, "name": "l", "kind": "black"},
        {"administrator", "operator"},
    ),
    ("POST", "access-channels", {"name": "new"}, {"administrator"}),
    ("POST", "channels", {**JPUSH, "name": "new", "code": "new"}, {"administrator"}),
    ("POST", "members", {"name": "new", "role": "administrator"}, {"administrator"}),
    ("POST", f"access-channels/{KEY}/secret", {}, {"administrator"}),
]


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_do_what_it_is_for(configured: Api, role: Role) -> None:
    _, auth = a_member(configured, role.value)
    for method, path, body, may in CALLS:
        before = len(configured.fake.audit.stored)
        reply = configured.admin(method, path, body, auth=auth)
        assert reply.status in ((200, 201) if role.value in may else (403,)), (
            method,
            path,
            reply.body,
        )
        assert len(configured.fake.audit.stored) == before + (
            role.value in may and method == "POST" and "preview" not in path
        )
    allowed = role in (Role.ADMINISTRATOR, Role.OPERATOR)
    assert configured.users([{"userid": "u"}], auth=auth).status == (200 if allowed else 403)
    assert configured("POST", "/v1/user/delete", ["u"], auth=auth).status == (
        200 if allowed else 403
    )


def test_whatever_changes_something_needs_a_role() -> None:
    """Reading with POST is declared so, one by one."""
    reading = {
        ("POST", "/admin/v1/templates/{template_id}/preview"),
        ("POST", "/admin/v1/channels/{code}/test"),
        ("POST", "/admin/v1/messages/{msgid}/targets"),
        ("POST", "/admin/v1/users/search"),
        ("POST", "/admin/v1/simulate"),
        ("POST", "/admin/v1/search"),
        ("POST", "/admin/v1/strategies/estimate"),
        ("POST", "/admin/v1/ab-tests/simulate"),
        ("POST", "/admin/v1/segments/estimate"),
        ("POST", "/admin/v1/suppressions/search"),
        ("POST", "/admin/v1/lists/{id}/contacts/search"),
        ("POST", "/admin/v1/access-channels/{key}/callbacks/addresses/{id}/test"),
    }
    # Everybody has preferences.
    reading.add(("PUT", "/admin/v1/me/preferences"))
    # Whoever an administrator has named as a reviewer decides, whatever the role.
    reading.add(("POST", "/admin/v1/reviews/{id}/decision"))
    # Contacts and contents that are shown whole are for few, and stand in the log.
    logged = {
        ("GET", "/admin/v1/access-channels/{key}/callbacks/batches/{id}"),
        ("GET", "/admin/v1/schedules/{id}/message"),
        ("GET", "/admin/v1/exports/{id}"),
        ("GET", "/admin/v1/sandbox/messages"),
        ("GET", "/admin/v1/sandbox/messages/{number}"),
    }
    for path, methods in app.app.routes.items():
        for method, entry in methods.items():
            contract = entry.view_function.contract
            if contract.auth in (Auth.ACCESS, Auth.EITHER):
                assert contract.role is not None, (method, path)
                reads = method == "GET" or (method, path) in reading
                reads = reads and (method, path) not in logged
                assert contract.changes != reads, (method, path)


def test_a_route_for_members_must_say_which_role_it_needs() -> None:
    with pytest.raises(TypeError, match="role"):
        route(Blueprint("x"), "/x", "POST", auth=Auth.ACCESS, error_response=problem_details)


def test_a_member_who_is_disabled_or_deleted_is_nobody(api: Api) -> None:
    key, auth = a_member(api, "administrator")
    anyhow = {"If-Match": "*"}
    assert api.admin("GET", "channels", auth=auth).status == 200
    assert (
        api.admin("PATCH", f"members/{key}", {"enabled": False}, headers=anyhow).json["enabled"]
        is False
    )
    problem(api, "GET", "channels", status=401, auth=auth)
    api.admin("PATCH", f"members/{key}", {"enabled": True, "role": "read-only"}, headers=anyhow)
    problem(api, "POST", "access-channels", {"name": "x"}, status=403, auth=auth)
    fresh = api.admin("POST", f"members/{key}/secret").json["access_secret"]
    problem(api, "GET", "channels", status=401, auth=auth)
    assert api.admin("GET", "channels", auth=f"{key}:{fresh}").status == 200
    assert api.admin("DELETE", f"members/{key}").status == 204
    problem(api, "GET", "channels", status=401, auth=f"{key}:{fresh}")
    problem(api, "GET", f"members/{key}", status=404)


def test_nobody_takes_their_own_rights_away(api: Api) -> None:
    key, auth = a_member(api, "administrator")
    anyhow = {"If-Match": "*"}
    for body in ({"role": "operator"}, {"enabled": False}):
        problem(
            api,
            "PATCH",
            f"members/{key}",
            body,
            status=409,
            field="access_key",
            auth=auth,
            headers=anyhow,
        )
    problem(api, "DELETE", f"members/{key}", status=409, field="access_key", auth=auth)
    assert (
        api.admin("PATCH", f"members/{key}", {"name": "Li"}, auth=auth, headers=anyhow).json["name"]
        == "Li"
    )


def test_the_global_key_is_no_member_that_can_be_changed(api: Api) -> None:
    problem(api, "GET", f"members/{ADMIN}", status=404)
    problem(api, "DELETE", f"members/{ADMIN}", status=404)
    assert api.admin("GET", "members").json["members"] == []


def test_every_change_is_in_the_log_with_who_made_it(configured: Api) -> None:
    key, auth = a_member(configured, "administrator", "陈")
    configured.fake.clock.advance(1)
    made = configured.admin(
        "POST", "lists", {"channel_key": KEY, "name": "l", "kind": "black"}, auth=auth
    ).json["id"]
    configured.fake.clock.advance(1)
    configured.admin(
        "PUT", f"access-channels/{OTHER_KEY}/channels/app1", {"enabled": True}, auth=auth
    )
    newest, older, *_ = configured.admin("GET", "audit").json["changes"]
    assert {
        name: newest[name] for name in ("access_key", "member", "method", "route", "ids", "status")
    } == {
        "access_key": key,
        "member": "陈",
        "method": "PUT",
        "route": "/admin/v1/access-channels/{key}/channels/{code}",
        "ids": {"key": OTHER_KEY, "code": "app1"},
        "status": 200,
    }
    assert (older["ids"], older["status"]) == ({"id": str(made), "channel_key": KEY}, 201)
    assert newest["time"] == configured.fake.clock.now()
    assert configured.admin("GET", "audit?month=2026-12").json["changes"] == []
    for month in ("2026-13", "x", "26-01", "2026-1", "2026-01x"):
        problem(configured, "GET", f"audit?month={month}", field="month")


def test_changes_of_users_are_in_the_log_with_who_it_was_or_how_many(configured: Api) -> None:
    key, auth = a_member(configured, "operator")
    configured.admin("POST", "users", {"userid": "ann"}, auth=auth)
    configured.users([{"userid": "bob"}], auth=auth)
    configured.users([{"userid": "bob"}, {"userid": "cy"}, {"userid": "no user"}], auth=auth)
    configured.users([{"userid": "no user"}], auth=auth)
    configured.users([{"userid": "dee"}], auth=SENDER)
    configured("POST", "/v1/user/delete", ["ann", "bob", "nobody"], auth=OPERATOR)
    found = [
        (each["route"], each["ids"])
        for each in configured.admin("GET", "audit").json["changes"]
        if "user" in each["route"]
    ]
    assert sorted(found, key=str) == sorted(
        [
            ("/admin/v1/users", {"userid": "ann"}),
            ("/v1/user/opt", {"userid": "bob"}),
            ("/v1/user/opt", {"users": "2"}),
            ("/v1/user/delete", {"users": "2"}),
        ],
        key=str,
    )
    assert key in {each["access_key"] for each in configured.admin("GET", "audit").json["changes"]}


def test_what_was_refused_and_what_was_only_read_is_not_in_the_log(configured: Api) -> None:
    before = len(configured.fake.audit.stored)
    configured.admin("POST", "channels", {**JPUSH, "code": "!"})
    configured.admin("POST", "channels", JPUSH)
    configured.admin("DELETE", "templates/99")
    configured.admin("GET", "channels")
    configured.admin("POST", "templates/1/preview", {"template_para": {"name": "x"}})
    assert len(configured.fake.audit.stored) == before


def test_the_log_holds_no_secrets_and_no_contents(configured: Api) -> None:
    _, auth = a_member(configured, "operator")
    configured.admin("POST", f"access-channels/{KEY}/secret", {})
    configured.admin(
        "POST", "templates", {**TEMPLATE, "contents": {"app": {"alert": "a marked text"}}}
    )
    everything = json.dumps(configured.admin("GET", "audit").json)
    for secret in (
        "the secret of jpush",
        "a marked text",
        auth.partition(":")[2],
        OPERATOR.partition(":")[2],
    ):
        assert secret not in everything


def test_a_change_stands_when_it_cannot_be_logged(
    configured: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    configured.fake.fail(ConnectionError("the table is not there"), "audit.write")
    assert configured.admin("POST", "access-channels", {"name": "new"}).status == 201
    assert "change_not_logged" in capsys.readouterr().out


def test_a_new_data_key_is_made_by_administrators_and_logged(api: Api) -> None:
    _, operator = a_member(api, "operator")
    problem(api, "POST", "data-keys", status=403, auth=operator)
    made = api.admin("POST", "data-keys")
    assert (made.status, made.json) == (201, {"version": 2})
    entries = api.admin("GET", "audit").json["changes"]
    assert ("/admin/v1/data-keys", 201) in [(e["route"], e["status"]) for e in entries]


def test_members_set_their_own_preferences(api: Api) -> None:
    key, auth = a_member(api, Role.READ_ONLY.value)
    me = api.admin("GET", "me", auth=auth).json
    assert (me["access_key"], me["role"]) == (key, "read-only")
    assert me["preferences"] == {"language": None, "theme": None, "time_zone": None}
    chosen = {"language": "en", "theme": "dark", "time_zone": "Europe/Paris"}
    assert api.admin("PUT", "me/preferences", chosen, auth=auth).json["preferences"] == chosen
    assert api.admin("GET", "me", auth=auth).json["preferences"] == chosen
    assert api.admin("PUT", "me/preferences", {"theme": "light"}, auth=auth).json[
        "preferences"
    ] == {"language": None, "theme": "light", "time_zone": None}
    for wrong in ({"language": "fr"}, {"theme": "blue"}, {"time_zone": "Mars/Base"}, {"x": 1}):
        assert api.admin("PUT", "me/preferences", wrong, auth=auth).status == 400
    assert api.admin("PUT", "me/preferences", {"theme": "dark"}).status == 404
    own = [e for e in api.admin("GET", "audit").json["changes"] if e["access_key"] == key]
    assert [(e["method"], e["route"]) for e in own] == [("PUT", "/admin/v1/me/preferences")] * 2
    assert api.admin("GET", "me").json["access_key"] == ADMIN
