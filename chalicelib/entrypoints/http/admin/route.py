"""What the management routes share."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import Conflict, NotFound, Stale
from chalicelib.entrypoints.http.audit import log_change
from chalicelib.entrypoints.http.errors import PARAMETER, Refused
from chalicelib.entrypoints.http.route import (
    JSON,
    MAX_ADMIN_BODY,
    Auth,
    Call,
    View,
    problem_details,
    route,
)

KEY = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
CODE = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)
IDS = (
    "channel_key",
    "code",
    "template_id",
    "rule_id",
    "label",
    "id",
    "access_key",
    "userid",
)  # of what was made, for the log of changes

_ETAG = re.compile(r'"([0-9]{1,15})"', re.ASCII)


def admin(blueprint: Blueprint, path: str, method: str, **declared: Any) -> Callable[[View], View]:
    """A management route: members, RFC 9457 errors, changes in the log. Reads see what other containers have just written."""

    def register(view: View) -> View:
        @functools.wraps(view)
        def logged(call: Call, **ids: str) -> Any:
            call.world.records.forget()
            try:
                answer = view(call, **ids)
            except Stale as error:  # somebody else was faster; where no version was named, nothing that was asked for has failed
                raise error if _names_a_version(call) else Conflict("") from None
            if method != "GET" and call.contract.role is not None:
                body, status = (
                    (answer.body, answer.status_code)
                    if isinstance(answer, Response)
                    else (answer, call.contract.status)
                )
                made = {
                    name: str(body[name])
                    for name in IDS
                    if (status == 201 or not ids) and name in body
                }
                log_change(call, method, f"/admin/v1/{path}", {**made, **ids}, status)
            return answer

        whole = f"/admin/v1/{path}"
        return route(
            blueprint,
            whole,
            method,
            auth=Auth.ACCESS,
            shape=problem_details,
            limit=MAX_ADMIN_BODY,
            **declared,
        )(logged)

    return register


def _names_a_version(call: Call) -> bool:
    return call.headers.get("if-match", "").strip() not in ("", "*")


def expected(call: Call) -> int | None:
    """The version that a change begins from, by `If-Match`; None for `*`. Raises Refused (428) when it is missing."""
    given = call.headers.get("if-match", "").strip()
    if not given:
        raise Refused(
            PARAMETER,
            "If-Match: is required, with the ETag of what is to be changed",
            field="If-Match",
            status=428,
        )
    if given == "*":
        return None
    found = _ETAG.fullmatch(given)
    if found is None:
        raise Stale("this is no ETag that was given for it")
    return int(found[1])


def if_given(call: Call) -> int | None:
    """The same where it is not required: to delete, and to make something new of it."""
    return expected(call) if call.headers.get("if-match", "").strip() else None


def tagged(body: Mapping[str, Any], version: int, status: int = 200) -> Response:
    return Response(body, {**JSON, "ETag": f'"{version}"'}, status)


def known_key(key: str) -> str:
    """Raises NotFound for what can be no channel key."""
    if not KEY.fullmatch(key):
        raise NotFound("access channel")
    return key


def known_code(code: str) -> str:
    if not CODE.fullmatch(code):
        raise NotFound("delivery channel")
    return code


def number(text: str) -> int:
    """An id in a path; raises NotFound."""
    if not re.fullmatch(r"[0-9]{1,15}", text, re.ASCII):
        raise NotFound("id")
    return int(text)
