"""Roles of members on single access channels, which add rights there and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.entrypoints.conftest import CONTENTS, KEY, OTHER_KEY, Api, message
from tests.entrypoints.http.admin.management import problem
from tests.entrypoints.http.admin.test_members import TEMPLATE


def here(api: Api, role: str, everywhere: str = "read-only") -> str:
    """Return who a member is that has a role on one access channel, and another everywhere."""
    made = api.admin(
        "POST", "members", {"name": role, "role": everywhere, "roles": {KEY: role}}
    ).json
    assert made["roles"] == {KEY: role}
    return f"{made['access_key']}:{made['access_secret']}"


# Calls about the access channel KEY, with the role that each needs there.
OWN: list[tuple[str, str, Any, str]] = [
    ("POST", "templates", TEMPLATE, "operator"),
    ("POST", "lists", {"channel_key": KEY, "name": "l", "kind": "black"}, "operator"),
    ("POST", "topics", {"channel_key": KEY, "name": "t"}, "operator"),
    ("POST", "lists/1/members", {"add": ["u"]}, "operator"),
    ("DELETE", "lists/1", None, "operator"),
    ("DELETE", "topics/1", None, "operator"),
    ("POST", f"sensitive-words/{KEY}/words", {"add": [{"word": "x"}]}, "operator"),
    ("POST", f"access-channels/{KEY}/secret", {}, "administrator"),
]
# Calls about another access channel, or about all of them.
FOREIGN: list[tuple[str, str, Any]] = [
    ("POST", "templates", {**TEMPLATE, "channel_key": OTHER_KEY}),
    ("POST", "tags", {"channel_key": "all", "name": "t"}),
    ("DELETE", "lists/2", None),
    ("POST", f"sensitive-words/{OTHER_KEY}/words", {"add": [{"word": "x"}]}),
    ("POST", f"access-channels/{OTHER_KEY}/secret", {}),
    ("PATCH", f"access-channels/{KEY}", {"rate": 10_000}),
    ("PUT", f"access-channels/{KEY}/channels/app123", {"enabled": True}),
    ("POST", "members", {"name": "new", "role": "administrator"}),
    ("POST", "users", {"userid": "u", "tag": {"all": ["a"]}}),
    ("DELETE", "users/user1", None),
    ("POST", "suppressions", {"type": "sms", "contacts": ["13800138000"]}),
    ("POST", "templates", {"name": "n", "contents": CONTENTS}),
    ("DELETE", "lists/999", None),
    ("DELETE", "lists/x", None),
    ("DELETE", "messages/x", None),
    ("DELETE", "schedules/0123456789abcdef", None),
]


@pytest.mark.parametrize("role", ["administrator", "operator", "reviewer", "read-only"])
def test_a_role_on_an_access_channel_adds_rights_there_and_nowhere_else(
    configured: Api, role: str
) -> None:
    auth = here(configured, role)
    for number, key in enumerate((KEY, OTHER_KEY)):
        body = {"channel_key": key, "name": f"list {number}", "kind": "black"}
        assert configured.admin("POST", "lists", body).json["id"] == number + 1
    assert configured.admin("POST", "topics", {"channel_key": KEY, "name": "s"}).status == 201
    for method, path, body, needs in OWN:
        allowed = role in ("administrator", needs)
        reply = configured.admin(method, path, body, auth=auth)
        assert (reply.status != 403) is allowed, (method, path, reply.body)
        assert not allowed or reply.status < 300, (method, path, reply.body)
    for method, path, body in FOREIGN:
        reply = configured.admin(method, path, body, auth=auth)
        assert reply.status == 403, (method, path, reply.body)


def test_a_member_with_a_role_on_an_access_channel_sends_for_it(configured: Api) -> None:
    auth = here(configured, "operator")
    sent = {"channel_key": KEY, "broadcast": False, "message": {**message(), "option": {}}}
    assert configured.admin("POST", "messages", sent, auth=auth).status == 201
    other = {**sent, "channel_key": OTHER_KEY}
    assert configured.admin("POST", "messages", other, auth=auth).status == 403


def test_roles_name_access_channels_that_are_there_and_are_not_changed_by_oneself(
    configured: Api,
) -> None:
    wrong = {"name": "x", "role": "operator", "roles": {"nothing": "operator"}}
    problem(configured, "POST", "members", wrong, field="roles.nothing")
    auth = here(configured, "operator", "administrator")
    key = auth.partition(":")[0]
    anyhow = {"If-Match": "*"}
    path, body = f"members/{key}", {"roles": {KEY: "reviewer"}}
    assert configured.admin("PATCH", path, body, headers=anyhow, auth=auth).status == 409
    changed = configured.admin("PATCH", path, body, headers=anyhow)
    assert changed.json["roles"] == {KEY: "reviewer"}
