"""The decorator of every route: authentication, the rate limit, and errors as answers.

Chalice turns an exception of a view into its own answer before middleware sees it. Therefore this
is a decorator under Chalice's (read in Chalice 1.34.0).
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from chalice.app import Blueprint, Request, Response

from chalicelib import observability, wiring
from chalicelib.domain import keys
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.errors import NotFound
from chalicelib.domain.members import Member
from chalicelib.entrypoints.http import callers
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.contract import Auth as Auth
from chalicelib.entrypoints.http.contract import Contract
from chalicelib.entrypoints.http.errors import TOO_MANY_REQUESTS
from chalicelib.entrypoints.http.problems import JSON, problem
from chalicelib.entrypoints.http.rate_limit import Limiter, Permit
from chalicelib.ports import World

MAX_BODY = 6_000_000

View = Callable[..., Any]

# Views with their contracts by method and path, for callers within the process: the console.
VIEWS: dict[str, tuple[View, Contract]] = {}

# Of every answer. A route may have its own value.
SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}


def route(
    blueprint: Blueprint, path: str, *methods: str, limit: int = MAX_BODY, **declared: Any
) -> Callable[[View], View]:
    """Register a view, which takes a RequestContext and the decoded parameters of the path.

    `declared` are the fields of its Contract.
    """
    contract = Contract(limit=limit, methods=methods, **declared)
    if contract.role is None and contract.auth in (Auth.ACCESS, Auth.EITHER):
        raise TypeError(f"{path} does not say which role a member needs")

    def register(view: View) -> View:
        VIEWS.update({f"{method} {path}": (view, contract) for method in methods})

        @functools.wraps(view)
        def served(**parameters: str) -> Response:
            request = blueprint.current_request
            fields = {
                "function": "api",
                "route": f"{request.method} {request.path}",
                "request": str((request.context or {}).get("requestId", "")),
                "source": observability.shown_source(callers.source(request)),
            }
            hurried = wiring.hurried(for_provider=contract.auth is Auth.WEBHOOK)
            with observability.unit_of_work(**fields), hurried:
                return _serve(view, request, parameters, contract)

        served.contract = contract  # type: ignore[attr-defined]
        served.auth = contract.auth  # type: ignore[attr-defined]
        # Content types are checked here, not by Chalice, whose answer has another shape.
        blueprint.route(path, methods=list(methods), content_types=["*/*"])(served)
        return served

    return register


def _serve(
    view: View, request: Request, parameters: Mapping[str, str], contract: Contract
) -> Response:
    permit: Permit | None = None
    caller, begin = "", time.monotonic()
    try:
        world = wiring.world()
        decoded = {name: unquote(value, errors="replace") for name, value in parameters.items()}
        channel, member = callers.authenticate(world, request, contract, decoded)
        who = channel or member
        caller = who.key if who else ""
        if who is not None:
            permit = admit(world, who, contract)
            if not permit.granted:
                raise TOO_MANY_REQUESTS.refuse(limit=permit.limit, seconds=permit.reset)
        answer = view(RequestContext(world, request, channel, contract, member), **decoded)
        if not isinstance(answer, Response):
            answer = Response(answer, dict(JSON), contract.status)
    except Exception as error:  # noqa: BLE001 the last resort of a request
        language = str(request.headers.get("accept-language") or "")
        refused = problem(error)
        answer = contract.error_response(refused, language)
        if refused.retry_after:
            answer.headers["Retry-After"] = str(refused.retry_after)
    of_permit = permit.headers if permit else {}
    answer.headers = {**SAFE_HEADERS, **answer.headers, **of_permit}
    _log(answer, caller, begin)
    return answer


def _log(answer: Response, caller: str, begin: float) -> None:
    """Write the function's part of the access log. API Gateway does not know the caller's key."""
    elapsed = round((time.monotonic() - begin) * 1000)
    fields = {"status": answer.status_code, "ms": elapsed, "key": caller[: callers.SHOWN] or None}
    of_request = observability.bound("route", "source")
    observability.event("request_served", **of_request, **fields, **observability.noted())


_limiters: dict[str, Limiter] = {}


def _limiter(world: World) -> Limiter:
    """Return the limiter, which lives as long as the container."""
    limiter = _limiters.get("")
    if limiter is None or limiter.counters is not world.counters:
        limiter = Limiter(world.counters, world.clock, world.limits.requests_per_second)
        _limiters[""] = limiter
    return limiter


def admit(world: World, caller: AccessChannel | Member, contract: Contract) -> Permit:
    """Decide on a request of an access channel or a member, each of which has its own count.

    A route with a rate of its own is counted on its own.
    """
    if isinstance(caller, AccessChannel):
        name, usual = caller.key, caller.rate
    else:
        name, usual = keys.join("member", caller.key), None
    if contract.rate is None:
        return _limiter(world).admit(name, usual)
    kind, rate = contract.rate
    most = world.limits.requests_per_second if usual is None else usual
    return _limiter(world).admit(keys.join(name, kind), min(rate, most))


def known_msgid(msgid: str) -> str:
    """Return the message id. Raises NotFound if it does not look like one."""
    try:
        keys.message_id_bytes(msgid)
    except ValueError:
        raise NotFound("message") from None
    return msgid
