"""The decorator of management routes, and the parts of requests that they share."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import Conflict, NotFound, Stale
from chalicelib.entrypoints.http.audit import log_change
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.errors import NO_VERSION, WRONG_VERSION
from chalicelib.entrypoints.http.problems import JSON, problem_details
from chalicelib.entrypoints.http.route import Auth, View, route

MAX_BODY = 1_000_000

# A second's requests of a member to routes that read a partition for each bucket or entry.
SEARCHES = ("searches", 5)

# The same of routes that a page of the console asks for each of its rows.
PARTS = ("parts", 50)

KEY = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
CODE = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)

# The names of ids in answers. The audit log takes the id of a new thing from the answer.
IDS = (
    "channel_key",
    "code",
    "template_id",
    "rule_id",
    "label",
    "id",
    "access_key",
    "userid",
    "topic",
    "msgid",
)

_ETAG = re.compile(r'"([0-9]{1,15})"', re.ASCII)


def admin(
    blueprint: Blueprint, path: str, method: str, *, limit: int = MAX_BODY, **declared: Any
) -> Callable[[View], View]:
    """Register a management route: for members, with problem details, and with audit entries.

    `limit`: bytes of a body. Reads see what other containers have just written.
    """
    full_path = f"/admin/v1/{path}"
    in_management = route(
        blueprint,
        full_path,
        method,
        auth=Auth.ACCESS,
        error_response=problem_details,
        limit=limit,
        headers=("Accept-Language",),
        **declared,
    )

    def register(view: View) -> View:
        @functools.wraps(view)
        def logged(context: RequestContext, **ids: str) -> Any:
            answer = _fresh(view, context, ids)
            if context.contract.changes:
                _log(context, method, full_path, ids, answer)
            return answer

        return in_management(logged)

    return register


def _fresh(view: View, context: RequestContext, ids: Mapping[str, str]) -> Any:
    """Call a view on current settings, after what other containers have written."""
    context.world.records.forget()
    try:
        return view(context, **ids)
    except Stale:
        # Another request was faster. That is 412 only for a caller who named a version.
        if _if_match(context) in ("", "*"):
            raise Conflict("") from None
        raise


def _log(
    context: RequestContext, method: str, path: str, ids: Mapping[str, str], answer: Any
) -> None:
    """Write the audit entry, with the ids of the path and of a new thing."""
    body, status = answer, context.contract.status
    if isinstance(answer, Response):
        body, status = answer.body, answer.status_code
    names = [name for name in IDS if name in body] if status == 201 or not ids else []
    new = {name: str(body[name]) for name in names}
    log_change(context, method, path, {**new, **ids}, status)


def _if_match(context: RequestContext) -> str:
    return context.headers.get("if-match", "").strip()


def expected(context: RequestContext) -> int | None:
    """Return the version in `If-Match`, from which a change begins, or None for `*`.

    Raises Refused: 428 if the header is missing, 412 if it does not look like an ETag of OpenUMS.
    """
    if_match = _if_match(context)
    if not if_match:
        raise NO_VERSION.refuse("If-Match")
    if if_match == "*":
        return None
    etag = _ETAG.fullmatch(if_match)
    if etag is None:
        raise WRONG_VERSION.refuse("If-Match")
    return int(etag[1])


def expected_if_given(context: RequestContext) -> int | None:
    """Return the version in `If-Match`, which is optional. For DELETE and for rotations."""
    return expected(context) if _if_match(context) else None


def tagged(body: Mapping[str, Any], version: int, status: int = 200) -> Response:
    """Answer with the version as `ETag`."""
    return Response(body, {**JSON, "ETag": f'"{version}"'}, status)


def known_key(key: str) -> str:
    """Return the channel key. Raises NotFound if it does not look like one."""
    if not KEY.fullmatch(key):
        raise NotFound("access channel")
    return key


def known_code(code: str) -> str:
    """Return the code of a delivery channel. Raises NotFound if it does not look like one."""
    if not CODE.fullmatch(code):
        raise NotFound("delivery channel")
    return code


def number(text: str) -> int:
    """Read an id in a path. Raises NotFound if it is not a number."""
    if not re.fullmatch(r"[0-9]{1,15}", text, re.ASCII):
        raise NotFound("id")
    return int(text)
