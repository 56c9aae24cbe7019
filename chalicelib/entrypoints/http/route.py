"""What every route wears: authentication, and errors as replies in the route's own shape.

Chalice turns an exception of a view into a reply of its own before middleware sees it, hence a decorator under the route.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from chalice.app import Blueprint, Request, Response

from chalicelib import observability, wiring
from chalicelib.domain import keys
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.errors import Conflict, Invalid, NotFound, Refusal, Stale, Unverified
from chalicelib.domain.members import Member, Role
from chalicelib.entrypoints.http import bodies, credentials
from chalicelib.entrypoints.http.contract import Auth as Auth
from chalicelib.entrypoints.http.contract import Contract
from chalicelib.entrypoints.http.errors import (
    AUTHENTICATION,
    PARAMETER,
    SERVER_ERROR,
    TOO_OFTEN,
    Refused,
    refused,
)
from chalicelib.entrypoints.http.rate_limit import Limiter, Permit
from chalicelib.ports import World

MAX_BODY, MAX_ADMIN_BODY = 6_000_000, 1_000_000
JSON = {"Content-Type": "application/json"}
PROBLEM = {"Content-Type": "application/problem+json"}

_JSON_TYPE = re.compile(
    r"(application/json|text/json|application/[\w.-]+\+json)\s*(;.*)?", re.IGNORECASE
)

View = Callable[..., Any]


@dataclass(frozen=True)
class Problem:
    """Why a request is not served, before it has a shape."""

    status: int
    code: int
    message: str
    errors: Sequence[tuple[str, str]] = ()  # (field, reason)


@dataclass(frozen=True)
class Call:
    """An authenticated request. `channel` is None where the caller is not an access channel, `member` where it is not a member."""

    world: World
    request: Request
    channel: AccessChannel | None
    contract: Contract
    member: Member | None = None

    @property
    def sender(self) -> AccessChannel:
        if self.channel is None:
            raise TypeError("this route has no access channel")
        return self.channel

    @property
    def raw(self) -> bytes:
        """The exact bytes; raises Refused when there are too many."""
        try:
            raw = self.request.raw_body
        except ValueError:  # half surrogate pairs, or base64 that is none
            raise Refused(PARAMETER, "body: cannot be read", field="body") from None
        if len(raw) > self.contract.limit:
            raise Refused(
                PARAMETER, f"body: more than {self.contract.limit} bytes", field="body", status=413
            )
        return raw if isinstance(raw, bytes) else raw.encode()

    def json(self) -> Any:
        kind = self.request.headers.get("content-type")
        if kind and not _JSON_TYPE.fullmatch(kind.strip()):
            raise Refused(
                PARAMETER,
                "Content-Type: must be application/json",
                field="Content-Type",
                status=415,
            )
        return bodies.parse_json(self.raw)

    def body(self) -> Any:
        """The body in the shape that the route takes; raises Refused."""
        return self.validated(self.json())

    def asked(self) -> Any:
        """The query in the shape that the route has for it; raises Refused."""
        return self.validated(dict(self.query), self.contract.query)

    def validated(self, value: Any, shape: str = "") -> Any:
        """In the shape of that name, or that which the route takes. Here the first request of a kind pays for its models."""
        from chalicelib.entrypoints.http import schemas
        from chalicelib.entrypoints.http.schemas import base

        return base.validate(schemas.load(shape or self.contract.takes), value)

    @property
    def query(self) -> Mapping[str, str]:
        given = self.request.query_params
        return {name: given[name] for name in given} if given else {}

    @property
    def headers(self) -> Mapping[str, str]:
        return {str(name).lower(): str(self.request.headers[name]) for name in self.request.headers}


# What a member needs to change something, where a route declares nothing else.
_ROLES = {Auth.ACCESS: Role.ADMINISTRATOR, Auth.EITHER: Role.OPERATOR}


def route(
    blueprint: Blueprint, path: str, *methods: str, limit: int = MAX_BODY, **declared: Any
) -> Callable[[View], View]:
    """Register a view that takes a Call and the path's parameters, decoded. `declared` are the fields of its Contract."""
    changes = methods != ("GET",)
    declared.setdefault("role", _ROLES.get(declared["auth"]) if changes else None)
    contract = Contract(limit=limit, methods=methods, **declared)

    def register(view: View) -> View:
        @functools.wraps(view)
        def served(**parameters: str) -> Response:
            request = blueprint.current_request
            identity = str((request.context or {}).get("requestId", ""))
            with observability.unit_of_work(
                function="api", route=f"{request.method} {request.path}", request=identity
            ):
                return _serve(view, request, parameters, contract)

        served.contract = contract  # type: ignore[attr-defined]
        served.auth = contract.auth  # type: ignore[attr-defined]
        # Content types are checked here, not by Chalice, whose reply has another shape.
        blueprint.route(path, methods=list(methods), content_types=["*/*"])(served)
        return served

    return register


def _serve(
    view: View, request: Request, parameters: Mapping[str, str], contract: Contract
) -> Response:
    permit: Permit | None = None
    try:
        world = wiring.world()
        channel, member = _authenticate(world, request, contract)
        if channel is not None:
            permit = _admit(world, channel, contract)
            if not permit.granted:
                raise Refused(
                    TOO_OFTEN,
                    f"API 调用超过频率限制 (more than {permit.limit} requests in this second)",
                    status=429,
                )
        decoded = {name: unquote(value, errors="replace") for name, value in parameters.items()}
        answer = view(Call(world, request, channel, contract, member), **decoded)
        served = (
            answer
            if isinstance(answer, Response)
            else Response(answer, dict(JSON), contract.status)
        )
    except Exception as error:  # noqa: BLE001 the last resort of a request, as the batch decorator is of a job
        served = contract.shape(_problem(error))
    if permit is not None:
        served.headers.update(permit.headers)
        if not permit.granted:
            served.headers["Retry-After"] = str(permit.reset)
    return served


_limiters: dict[str, Limiter] = {}


def _limiter(world: World) -> Limiter:
    """One for the life of a container."""
    known = _limiters.get("")
    if known is None or known.counters is not world.counters:
        known = _limiters[""] = Limiter(
            world.counters, world.clock, world.limits.requests_per_second
        )
    return known


def _admit(world: World, channel: AccessChannel, contract: Contract) -> Permit:
    if contract.rate is None:
        return _limiter(world).admit(channel.key, channel.rate)
    name, rate = contract.rate
    own = world.limits.requests_per_second if channel.rate is None else channel.rate
    return _limiter(world).admit(keys.join(channel.key, name), min(rate, own))


def known_msgid(msgid: str) -> str:
    """Raises NotFound for what cannot be the id of a message of ours."""
    try:
        keys.message_id_bytes(msgid)
    except ValueError:
        raise NotFound("message") from None
    return msgid


def _authenticate(
    world: World, request: Request, contract: Contract
) -> tuple[AccessChannel | None, Member | None]:
    auth = contract.auth
    if auth in (Auth.WEBHOOK, Auth.NOBODY):
        return None, None
    key, secret = credentials.basic(request.headers.get("authorization"))
    channel = (
        credentials.access_channel(world, key, secret)
        if auth in (Auth.CHANNEL, Auth.EITHER)
        else None
    )
    if channel is not None:
        if not channel.enabled:
            raise Refused(
                1015005, "渠道已关闭 (the access channel is closed)", field="Authorization"
            )
        return channel, None
    member = credentials.member(world, key, secret) if auth in (Auth.ACCESS, Auth.EITHER) else None
    if member is None:
        raise Refused(
            AUTHENTICATION,
            "认证失败 (authentication failed: unknown key or wrong secret)",
            field="Authorization",
            status=401,
        )
    if not member.role.may(contract.role):
        raise Refused(
            AUTHENTICATION,
            f"无权限 (this needs the role {contract.role})",
            field="Authorization",
            status=403,
        )
    return None, member


def _problem(error: Exception) -> Problem:
    if isinstance(error, Refusal):
        error = refused(error)
    if isinstance(error, Refused):
        return Problem(error.status, error.code, _naming(error.field, error.message), error.errors)
    if isinstance(error, Invalid):
        reason = f"{error.field}: {error.reason}"
        return Problem(400, PARAMETER, reason, [(error.field, error.reason)])
    if isinstance(error, Stale):
        return Problem(412, PARAMETER, str(error), [("If-Match", str(error))])
    if isinstance(error, Conflict):
        reason = str(error) or "changed by another request at the same time; retry"
        return Problem(409, PARAMETER, reason)
    if isinstance(error, Unverified):
        observability.event("webhook_unverified", reason=str(error)[:100])
        observability.metric("webhook_unverified")
        return Problem(403, AUTHENTICATION, "not verified")
    observability.log.error("request_failed", exc_info=error)
    observability.metric("request_failed")
    return Problem(500, SERVER_ERROR, "服务器错误 (an error on our side, please try again)")


def _naming(field: str, message: str) -> str:
    return message if not field or field in message else f"{message} ({field})"


def challenge(status: int) -> dict[str, str]:
    return {"WWW-Authenticate": 'Basic realm="OpenUMS", charset="UTF-8"'} if status == 401 else {}


def ums_error(problem: Problem) -> Response:
    """UMS's own shape."""
    body = {"code": problem.code, "message": problem.message}
    return Response(body, {**JSON, **challenge(problem.status)}, problem.status)


_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    428: "Precondition Required",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def problem_details(problem: Problem) -> Response:
    """RFC 9457."""
    body = {
        "type": "about:blank",
        "title": _TITLES.get(problem.status, "Error"),
        "status": problem.status,
        "detail": problem.message,
        "errors": [{"field": field, "reason": reason} for field, reason in problem.errors],
    }
    return Response(body, {**PROBLEM, **challenge(problem.status)}, problem.status)
