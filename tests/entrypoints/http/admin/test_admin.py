"""The management API: consequences of switches, and general refusals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.entrypoints.conftest import (
    JPUSH,
    KEY,
    Api,
)
from tests.entrypoints.http.admin.management import problem


def test_what_is_not_there_is_not_found(configured: Api) -> None:
    for method, path, body in (
        ("GET", "access-channels/nobody", None),
        ("GET", "access-channels/" + "k" * 3000, None),
        ("GET", "access-channels/%00", None),
        ("PUT", f"access-channels/{KEY}/channels/nothing", {"enabled": True}),
        ("PUT", "access-channels/nobody/channels/app1", {"enabled": True}),
        ("DELETE", "access-channels/nobody/channels/app1", None),
        ("GET", "channels/nothing", None),
        ("GET", "channels/%20", None),
        ("GET", "templates/99", None),
        ("GET", "templates/x", None),
        ("GET", "templates/-1", None),
        ("GET", "templates/" + "9" * 40, None),
        ("GET", "templates?channel_key=nobody", None),
        ("GET", "strategies?channel_key=nobody", None),
    ):
        problem(configured, method, path, body, status=404)


@pytest.mark.parametrize(("changes", "field"), [({}, "code"), ({"code": "app2"}, "name")])
def test_a_code_or_name_that_is_taken_is_refused(
    configured: Api, changes: dict[str, Any], field: str
) -> None:
    problem(configured, "POST", "channels", {**JPUSH, **changes}, status=409, field=field)
    problem(configured, "POST", "access-channels", {"name": "shop"}, status=409, field="name")


def test_a_management_body_of_more_than_a_million_bytes_is_refused(api: Api) -> None:
    raw = b'{"name":"n"}'
    problem(api, "POST", "access-channels", raw=raw.ljust(1_000_001), status=413)
    assert api.admin("POST", "access-channels", raw=raw.ljust(1_000_000)).status == 201


def test_lists_need_an_access_channel(api: Api) -> None:
    for what in ("templates", "strategies"):
        problem(api, "GET", what, field="channel_key")
