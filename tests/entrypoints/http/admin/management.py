"""Requests to the management API, and the check of its problems."""

from __future__ import annotations

import re
from typing import Any

from tests.entrypoints.conftest import (
    Api,
    Reply,
)


def problem(
    api: Api,
    method: str,
    path: str,
    body: Any = None,
    *,
    status: int = 400,
    field: str = "",
    **options: Any,
) -> Any:
    reply = api.admin(method, path, body, **options)
    assert reply.status == status, reply.body
    assert reply.headers["Content-Type"] == "application/problem+json"
    answer = reply.json
    assert set(answer) == {"type", "title", "status", "detail", "errors"}
    assert answer["status"] == status
    if field:
        assert field in [each["field"] for each in answer["errors"]], answer
        assert all(set(each) == {"field", "reason"} for each in answer["errors"])
    return answer


def change(
    api: Api, path: str, body: Any, method: str = "PATCH", version: int | str = "*"
) -> Reply:
    """With an ETag that is right, or any."""
    return api.admin(
        method,
        path,
        body,
        headers={"If-Match": f'"{version}"' if isinstance(version, int) else version},
    )


def read(api: Api, path: str) -> Reply:
    """Return the path whose ETag counts: labels have the ETag of their channel."""
    return api.admin("GET", re.sub("/labels/1$", "/labels", path))


def pages(api: Api, path: str, name: str) -> list[list[Any]]:
    """Return the items of every page, to the last one."""
    found, cursor = [], ""
    while True:
        reply = api.admin("GET", f"{path}{'&' if '?' in path else '?'}cursor={cursor}")
        assert reply.status == 200, reply.body
        found.append(reply.json[name])
        cursor = reply.json["cursor"]
        if cursor is None:
            return found
