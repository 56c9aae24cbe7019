"""What the management routes share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from chalice.app import Blueprint

from chalicelib.entrypoints.http_support import MAX_ADMIN_BODY, Auth, problem_details, route

KEY = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
CODE = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)


def admin(blueprint: Blueprint, path: str, method: str, **declared: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A management route: global access key, RFC 9457 errors."""
    return route(blueprint, f"/admin/v1/{path}", method, auth=Auth.ACCESS, shape=problem_details, limit=MAX_ADMIN_BODY, **declared)


def known_key(key: str) -> str:
    """Raises LookupError for what can be no channel key."""
    if not KEY.fullmatch(key):
        raise LookupError("no such access channel")
    return key


def known_code(code: str) -> str:
    if not CODE.fullmatch(code):
        raise LookupError("no such delivery channel")
    return code


def number(text: str) -> int:
    """An id in a path; raises LookupError."""
    if not re.fullmatch(r"[0-9]{1,15}", text, re.ASCII):
        raise LookupError("no such id")
    return int(text)
