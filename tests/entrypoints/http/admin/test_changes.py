"""Changes: versions, ETags, and the roles that may make them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chalicelib.domain.access_channels import ACCESS_CHANNELS
from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS
from chalicelib.domain.errors import Stale
from chalicelib.domain.groups import GROUPS, Family
from tests.entrypoints.conftest import (
    CONTENTS,
    JPUSH,
    KEY,
    OPERATOR,
    SENDER,
    Api,
)
from tests.entrypoints.http.admin.management import problem, read

VERSIONED = {
    f"access-channels/{KEY}": ("PATCH", {"name": "renamed"}),
    "channels/app1": ("PATCH", {"name": "renamed"}),
    "channels/app1/labels/1": ("PUT", {"name": "Main"}),
    "templates/1": ("PUT", {"name": "renamed", "contents": CONTENTS}),
    "strategies/1": (
        "PUT",
        {
            "name": "renamed",
            "steps": [
                {"channels": ["sms"]},
                {"channels": ["app"], "condition": {"missing": "clicked", "within": 9}},
            ],
        },
    ),
    "lists/1": ("PUT", {"name": "renamed"}),
}


@pytest.fixture
def filled(configured: Api) -> Api:
    assert (
        configured.admin(
            "POST", "lists", {"channel_key": KEY, "name": "gone", "kind": "black"}
        ).json["id"]
        == 1
    )
    return configured


@pytest.mark.parametrize("path", VERSIONED)
def test_a_change_needs_the_etag_of_what_was_read(filled: Api, path: str) -> None:
    method, body = VERSIONED[path]
    tag = read(filled, path).headers["ETag"]
    assert re.fullmatch('"[1-9][0-9]*"', tag)
    problem(filled, method, path, body, status=428, field="If-Match")
    for wrong in (
        '"999"',
        f'"{int(tag.strip(chr(34))) - 1}"',
        tag.strip('"'),
        f"W/{tag}",
        '"x"',
        '"' + "9" * 400 + '"',
        "\x00",
    ):
        problem(
            filled, method, path, body, status=412, field="If-Match", headers={"If-Match": wrong}
        )
    done = filled.admin(method, path, body, headers={"If-Match": tag})
    assert (done.status, done.json["version"]) == (200, int(tag.strip('"')) + 1)
    assert done.headers["ETag"] == read(filled, path).headers["ETag"] == f'"{done.json["version"]}"'
    problem(filled, method, path, body, status=412, headers={"If-Match": tag})
    assert filled.admin(method, path, body, headers={"If-Match": "*"}).status == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"access-channels/{KEY}/secret", {}),
        ("POST", "channels/app1/labels", {"name": "Work"}),
        ("DELETE", "lists/1", None),
        ("PUT", "lists/1", {"name": "renamed"}),
    ],
)
def test_who_began_from_no_version_and_was_slower_is_told_so_and_not_that_a_precondition_failed(
    filled: Api, method: str, path: str, body: Any
) -> None:
    kinds = (ACCESS_CHANNELS, DELIVERY_CHANNELS, GROUPS[Family.LIST])
    changes = [f"records.{kind.name}.{name}" for kind in kinds for name in ("update", "delete")]
    filled.fake.fail(Stale("somebody else changed this meanwhile"), *changes)
    anyhow = {"If-Match": "*"} if method == "PUT" else {}
    answer = problem(filled, method, path, body, status=409, headers=anyhow)
    assert answer["errors"] == []
    tag = read(filled, path.removesuffix("/secret")).headers["ETag"]
    problem(filled, method, path, body, status=412, field="If-Match", headers={"If-Match": tag})


@pytest.mark.parametrize("path", ["channels/app2", "templates/1", "strategies/1", "lists/1"])
def test_a_delete_takes_an_etag_and_needs_none(filled: Api, path: str) -> None:
    filled.admin("POST", "channels", {**JPUSH, "code": "app2", "name": "second"})
    problem(filled, "DELETE", path, status=412, headers={"If-Match": '"9"'})
    gone = filled.admin("DELETE", path)
    assert (gone.status, gone.body) == (204, b"")
    problem(filled, "GET", path, status=404)
    problem(filled, "DELETE", path, status=404)


def test_a_name_that_is_taken_is_refused_in_a_change_too(filled: Api) -> None:
    anyhow = {"If-Match": "*"}
    problem(
        filled,
        "PATCH",
        f"access-channels/{KEY}",
        {"name": "other"},
        status=409,
        field="name",
        headers=anyhow,
    )
    problem(
        filled, "PATCH", "channels/app1", {"name": "SMS"}, status=409, field="name", headers=anyhow
    )
    filled.admin("POST", "lists", {"channel_key": KEY, "name": "second", "kind": "white"})
    problem(filled, "PUT", "lists/1", {"name": "second"}, status=409, field="name", headers=anyhow)
    problem(
        filled,
        "POST",
        "lists",
        {"channel_key": KEY, "name": "second", "kind": "black"},
        status=409,
        field="name",
    )


def test_closing_a_channel_makes_what_contains_it_invalid_until_it_is_opened_again(
    configured: Api,
) -> None:
    places = ("templates/1", "strategies/1")
    for enabled, closed in ((True, []), (False, ["sms"]), (True, []), (None, ["sms"])):
        path = f"access-channels/{KEY}/channels/sms1"
        configured.admin("DELETE", path) if enabled is None else configured.admin(
            "PUT", path, {"enabled": enabled}
        )
        for place in places:
            found = configured.admin("GET", place).json
            assert (found["valid"], found["closed"]) == (not closed, closed)
        for kind in ("templates", "strategies"):
            (found,) = configured.admin("GET", f"{kind}?channel_key={KEY}").json[kind]
            assert (found["valid"], found["closed"]) == (not closed, closed)


def test_tags_may_belong_to_everybody_and_lists_may_not(configured: Api) -> None:
    assert configured.admin("POST", "tags", {"channel_key": "all", "name": "vip"}).status == 201
    assert [t["name"] for t in configured.admin("GET", "tags?channel_key=all").json["tags"]] == [
        "vip"
    ]
    problem(configured, "POST", "tags", {"channel_key": "all", "name": "two words"}, field="name")
    problem(
        configured,
        "POST",
        "lists",
        {"channel_key": "all", "name": "x", "kind": "black"},
        status=404,
    )
    problem(
        configured, "POST", "lists", {"channel_key": KEY, "name": "x", "kind": "grey"}, field="kind"
    )
    assert (
        configured.admin("POST", "segments", {"channel_key": KEY, "name": "x"}).json["kind"]
        == "manual"
    )


def test_nobody_but_members_may_change_anything(configured: Api) -> None:
    for auth in (None, SENDER, "operator:wrong"):
        problem(
            configured,
            "PATCH",
            f"access-channels/{KEY}",
            {"name": "x"},
            status=401,
            auth=auth,
            headers={"If-Match": "*"},
        )
    assert configured.admin("GET", f"access-channels/{KEY}", auth=OPERATOR).json["name"] == "shop"
