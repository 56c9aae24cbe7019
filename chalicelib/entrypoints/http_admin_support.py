"""What the management routes share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

from chalice.app import Blueprint
from pydantic import AfterValidator, Field

from chalicelib.domain.errors import Invalid
from chalicelib.entrypoints.bodies import PARAMETER, refusal
from chalicelib.entrypoints.http_support import MAX_ADMIN_BODY, Auth, Call, problem_details, route

KEY = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
CODE = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)


def _visible(name: str) -> str:
    if not name.strip() or not name.isprintable():
        raise refusal(PARAMETER, "must be visible characters")
    return name.strip()


def _alphanumeric(code: str) -> str:
    if not CODE.fullmatch(code):
        raise refusal(PARAMETER, "1 to 32 letters and digits")
    return code


Name = Annotated[str, Field(max_length=30), AfterValidator(_visible)]
Code = Annotated[str, AfterValidator(_alphanumeric)]


def admin(blueprint: Blueprint, path: str, method: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A management route: global access key, RFC 9457 errors."""
    return route(blueprint, f"/admin/v1/{path}", method, auth=Auth.ACCESS, shape=problem_details, limit=MAX_ADMIN_BODY)


def known_key(key: str) -> str:
    """Raises LookupError for what can be no channel key."""
    if not KEY.fullmatch(key):
        raise LookupError("no such access channel")
    return key


def known_code(code: str) -> str:
    if not CODE.fullmatch(code):
        raise LookupError("no such delivery channel")
    return code


def owner_of(call: Call) -> str:
    """The access channel that a list is asked for."""
    key = call.query.get("channel_key", "")
    if not key:
        raise Invalid("channel_key", "is required in the query")
    return known_key(key)


def number(text: str) -> int:
    """An id in a path; raises LookupError."""
    if not re.fullmatch(r"[0-9]{1,15}", text, re.ASCII):
        raise LookupError("no such id")
    return int(text)
