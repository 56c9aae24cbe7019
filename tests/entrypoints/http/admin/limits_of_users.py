"""Limits of lists, segments, tags, users and members."""

from __future__ import annotations

from tests.entrypoints.conftest import KEY
from tests.entrypoints.http.admin.limits import Limit, asking, changing, posting, x


def in_bulk(n: int) -> list[str]:
    return [f"u{each}" for each in range(n)]


USERS = [
    Limit(
        "name of a list",
        posting("lists", lambda n: {"channel_key": KEY, "name": x(n), "kind": "black"}),
        1,
        30,
        "name",
    ),
    Limit(
        "new name of a list", changing("lists/7", lambda n: {"name": x(n)}, "PUT"), 1, 30, "name"
    ),
    Limit(
        "name of a segment",
        posting("segments", lambda n: {"channel_key": KEY, "name": x(n)}),
        1,
        30,
        "name",
    ),
    Limit(
        "bytes of a tag",
        posting("tags", lambda n: {"channel_key": "all", "name": "字" * (n // 3) + x(n % 3)}),
        1,
        40,
        "name",
    ),
    Limit(
        "users that join a segment",
        posting("segments/7/members", lambda n: {"add": in_bulk(n), "remove": ["x"]}),
        0,
        1000,
        "add",
    ),
    Limit(
        "users that leave a list",
        posting("lists/7/members", lambda n: {"add": ["x"], "remove": in_bulk(n)}),
        0,
        1000,
        "remove",
    ),
    Limit(
        "user id of a member",
        posting("lists/7/members", lambda n: {"add": [x(n)]}),
        1,
        64,
        "add[0]",
    ),
    Limit("user id", posting("users", lambda n: {"userid": x(n)}), 1, 64, "userid"),
    Limit(
        "values of a scope",
        posting(
            "users", lambda n: {"userid": "u", "tag": {"all": [f"t{each}" for each in range(n)]}}
        ),
        None,
        100,
        "tag.all",
    ),
    Limit(
        "registration id",
        posting("users", lambda n: {"userid": "u", "app": {"app1": [x(n)]}}),
        1,
        256,
        "app.app1[0]",
    ),
    Limit("prefix of user ids", asking(lambda n: "users?prefix=" + x(n)), 1, 64, "prefix"),
    Limit(
        "contact that is looked for",
        posting("users/search", lambda n: {"type": "app", "contact": x(n)}),
        1,
        256,
        "contact",
    ),
    Limit("scope of tags", asking(lambda n: "user-tags?scope=" + x(n)), 1, 64, "scope"),
    Limit(
        "name of a member",
        posting("members", lambda n: {"name": x(n), "role": "operator"}),
        1,
        30,
        "name",
    ),
]
