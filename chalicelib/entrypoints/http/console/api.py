"""The API within the process, as the member who is signed in may use it.

A page calls the views of the API themselves. So roles, schemas, limits and audit entries are those
of the API, and so are the texts of refusals.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from chalice.app import Request, Response

from chalicelib.console import typed_json
from chalicelib.console.door import ApiError, Problem
from chalicelib.domain.members import Member, Role
from chalicelib.entrypoints.http import problems, rights, route
from chalicelib.entrypoints.http.audit import log_change
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.contract import Contract
from chalicelib.entrypoints.http.errors import (
    NO_ROLE,
    TOO_MANY_REQUESTS,
)
from chalicelib.entrypoints.http.language import Language
from chalicelib.manage import access_channels
from chalicelib.ports import World

ACCEPTS = {"zh": "zh-CN", "en": "en-GB"}


def api_error(error: Exception, language: str) -> ApiError:
    """Return a refusal in the person's language. Anything unexpected is logged."""
    described = problems.problem(error)
    chosen = Language(language)
    reasons = [Problem(field, reason.in_language(chosen)) for field, reason in described.errors]
    return ApiError(described.status, reasons, described.retry_after)


class MemberApi:
    """Implements console.door.Api."""

    def __init__(self, world: World, member: Member, language: str) -> None:
        self._world, self._member, self._language = world, member, language

    def get(self, path: str, /, *, query: Mapping[str, Any] | None = None, **ids: str) -> Any:
        from chalicelib.entrypoints.http import admin  # noqa: F401 its views register themselves

        view, contract = route.VIEWS[f"GET /admin/v1/{path}"]
        request = self._request("GET", f"/admin/v1/{path}", query=query)
        # A page reads settings once. Reads that the audit log has keep their entry.
        return self._call(
            view if contract.changes else inspect.unwrap(view), request, contract, ids
        )

    def change(
        self,
        method: str,
        path: str,
        /,
        body: Any = None,
        *,
        version: int | None = None,
        once: str = "",
        **ids: str,
    ) -> Any:
        from chalicelib.entrypoints.http import admin  # noqa: F401 its views register themselves

        view, contract = route.VIEWS[f"{method} /admin/v1/{path}"]
        headers = {} if version is None else {"if-match": f'"{version}"'}
        headers |= {"idempotency-key": once} if once else {}
        request = self._request(method, f"/admin/v1/{path}", body=body, headers=headers)
        return self._call(view, request, contract, ids)

    def withdraw(self, channel_key: str, msgid: str) -> None:
        from chalicelib.entrypoints.http import ums  # noqa: F401 its views register themselves

        path = "/v1/retract/{msgid}"
        view, contract = route.VIEWS[f"POST {path}"]
        request = self._request("POST", path)
        try:
            role = self._member.roles.get(channel_key)
            if not self._member.role.may(Role.OPERATOR) and not (role and role.may(Role.OPERATOR)):
                raise NO_ROLE.refuse("", role=Role.OPERATOR)
            channel = access_channels.get(self._world, channel_key)
            context = RequestContext(self._world, request, channel, contract, self._member)
            view(context, msgid=msgid)
        except Exception as error:
            raise api_error(error, self._language) from error
        log_change(context, "POST", path, {"channel_key": channel_key, "msgid": msgid})

    def _call(
        self, view: route.View, request: Request, contract: Contract, ids: Mapping[str, str]
    ) -> Any:
        try:
            if not rights.may(self._world, self._member, contract, request, ids):
                raise NO_ROLE.refuse("", role=contract.role)
            if contract.rate is not None:
                permit = route.admit(self._world, self._member, contract)
                if not permit.granted:
                    raise TOO_MANY_REQUESTS.refuse(limit=permit.limit, seconds=permit.reset)
            context = RequestContext(self._world, request, None, contract, self._member)
            answer = view(context, **ids)
        except Exception as error:
            raise api_error(error, self._language) from error
        return answer.body if isinstance(answer, Response) else answer

    def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Request:
        asked = {name: [str(value)] for name, value in (query or {}).items() if value is not None}
        event = {
            "requestContext": {"httpMethod": method, "resourcePath": path},
            "headers": {"accept-language": ACCEPTS[self._language], **(headers or {})},
            "multiValueQueryStringParameters": asked or None,
            "pathParameters": None,
            "stageVariables": None,
            "body": None if body is None else typed_json.write(body),
        }
        return Request(event)
