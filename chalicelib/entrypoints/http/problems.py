"""Errors as answers: in UMS's own shape, or as problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Sequence

from chalice.app import Response

from chalicelib import observability, wiring
from chalicelib.domain.errors import Conflict, ForgedToken, Invalid, Refusal, Stale, Unverified
from chalicelib.domain.values import frozen
from chalicelib.entrypoints.http.errors import (
    BUSY,
    CHANGED_MEANWHILE,
    FAULT,
    PARAMETER,
    UNVERIFIED,
    FieldError,
    Refused,
    refused,
)
from chalicelib.entrypoints.http.language import Language, Text, preferred
from chalicelib.entrypoints.http.sentences import text_of

JSON = {"Content-Type": "application/json"}
PROBLEM = {"Content-Type": "application/problem+json"}
THROTTLED_SECONDS = 5  # until a repeat, when AWS throttles or does not answer


@frozen
class Problem:
    """The reasons why a request is not served, before the route's own way to write errors.

    `errors` has at least one entry, and the first is the one that a short answer names.
    """

    status: int
    code: int
    errors: Sequence[FieldError]
    retry_after: int = 0  # seconds, 0: no header


def problem(error: Exception) -> Problem:
    """Describe an exception of a view, also one that nobody expected."""
    if isinstance(error, ForgedToken):
        observability.security("address_forged", address_of=error.values["what"])
    if isinstance(error, Refusal):
        error = refused(error)
    elif isinstance(error, Invalid):
        error = Refused(PARAMETER, *text_of(error.reason), field=error.field)
    elif isinstance(error, Stale):
        error = Refused(PARAMETER, *_reason(error), field="If-Match", status=412)
    elif isinstance(error, Conflict):
        error = Refused(PARAMETER, *_reason(error), status=409)
    elif isinstance(error, Unverified):
        observability.security("webhook_unverified", reason=str(error)[:100])
        observability.metric("webhook_unverified")
        error = UNVERIFIED.refuse()
    elif wiring.is_busy(error):
        observability.log.warning("aws_busy", exc_info=error)
        observability.metric("aws_busy")
        error = BUSY.refuse(seconds=THROTTLED_SECONDS)
    elif not isinstance(error, Refused):
        observability.log.error("request_failed", exc_info=error)
        observability.metric("request_failed")
        error = FAULT.refuse()
    return Problem(error.status, error.code, error.errors, error.retry_after)


def _reason(error: Conflict) -> Text:
    reason = error.args[0] if error.args else ""
    return text_of(reason) if reason else Text(CHANGED_MEANWHILE.english, CHANGED_MEANWHILE.chinese)


def challenge(status: int) -> dict[str, str]:
    return {"WWW-Authenticate": 'Basic realm="OpenUMS", charset="UTF-8"'} if status == 401 else {}


def ums_error(problem: Problem, accept_language: str) -> Response:
    """Write a problem in UMS's shape: a code, and a message in both languages."""
    body = {"code": problem.code, "message": problem.errors[0].message}
    return Response(body, {**JSON, **challenge(problem.status)}, problem.status)


def users_error(problem: Problem, accept_language: str) -> Response:
    """Write a problem of changes of users, with UMS's empty `data`, which typed clients read."""
    answer = ums_error(problem, accept_language)
    answer.body["data"] = ""
    return answer


TITLES = {
    400: Text("Bad Request", "请求错误"),
    401: Text("Unauthorized", "未认证"),
    403: Text("Forbidden", "无权限"),
    404: Text("Not Found", "不存在"),
    409: Text("Conflict", "冲突"),
    412: Text("Precondition Failed", "版本已改变"),
    413: Text("Content Too Large", "内容过大"),
    415: Text("Unsupported Media Type", "不支持的媒体类型"),
    428: Text("Precondition Required", "缺少版本"),
    429: Text("Too Many Requests", "请求过多"),
    500: Text("Internal Server Error", "服务器错误"),
    503: Text("Service Unavailable", "暂不可用"),
}


def problem_details(problem: Problem, accept_language: str) -> Response:
    """Write a problem by RFC 9457, in Chinese if the caller prefers it, otherwise in English."""
    language = preferred(accept_language, default=Language.ENGLISH)
    errors = [(field, reason.in_language(language)) for field, reason in problem.errors]
    field, reason = errors[0]
    body = {
        "type": "about:blank",
        "title": TITLES[problem.status].in_language(language),
        "status": problem.status,
        "detail": f"{field}: {reason}" if field else reason,
        "errors": [{"field": field, "reason": reason} for field, reason in errors if field],
    }
    return Response(body, {**PROBLEM, **challenge(problem.status)}, problem.status)
