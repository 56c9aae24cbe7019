"""The short way to DynamoDB and SQS: MiniStack's checks and its service, and nothing between.

MiniStack 1.5.33 asks a dozen other addresses first, and then guesses the service. That takes more
time than the service does. Functions send almost nothing but signed JSON requests to these two.

Identity, signature, time and rights are for MiniStack to decide, as it decides on its own way. A
request that it refuses gets its answer on that way. So does a request that is not plain.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

SERVICES = ("dynamodb", "sqs")
SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/,\s]+/\d{8}/[^/,\s]+/[^/,\s]+/aws4_request,")
HOSTS = ("127.0.0.1", "localhost")  # other names may be those of buckets, APIs or load balancers
# Headers that change what a body is or whom it comes from.
CHANGING = frozenset(
    {
        "content-encoding",
        "transfer-encoding",
        "x-amz-content-sha256",
        "x-amz-decoded-content-length",
        "x-forwarded-proto",
    }
)

# MiniStack's names, by module.
USED = {
    "app": (
        *("AUTH", "SERVICE_HANDLERS", "detect_service", "extract_access_key_id", "extract_region"),
        *("_get_reset_lock", "_maybe_record_cloudtrail", "_request_account_scope", "logger"),
    ),
    "actions": (
        *("dynamodb_resource_arns", "dynamodb_service_context", "dynamodb_transaction_checks"),
        *("extract_iam_action", "extract_resource_arn", "request_tag_context"),
    ),
    "iam": (
        *("SignedRequest", "enforce", "is_root_access_key", "pin_request_caller"),
        *("pin_request_origin", "_anonymous", "_signed_request", "_verified_key"),
    ),
    "responses": (
        *("fix_error_content_type", "fix_success_content_type", "get_account_id"),
        *("set_request_account_id", "set_request_client_ip", "set_request_region"),
    ),
}

Headers = dict[str, str]
Scope = dict[str, Any]


class Answer(NamedTuple):
    status: int
    headers: Headers
    body: bytes


def plain_headers(scope: Mapping[str, Any]) -> Headers | None:
    """Return the headers of a request, None if one comes twice or cannot be read."""
    try:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    except UnicodeDecodeError:
        return None
    return headers if len(headers) == len(scope["headers"]) else None


class ShortWay:
    """MiniStack's answers to plain requests.

    The constructor raises AttributeError if an update of MiniStack lacks a name that it uses.
    """

    def __init__(self) -> None:
        from ministack import app
        from ministack.core import iam_actions, iam_evaluator, responses

        self.app, self.responses = app, responses
        self.actions, self.iam = iam_actions, iam_evaluator
        for module, names in USED.items():
            for name in names:
                getattr(getattr(self, module), name)
        self.service_of = lru_cache(maxsize=1000)(self._service_of)

    def headers_of(self, scope: Scope) -> Headers | None:
        """Return the headers of a plain request, None for any other."""
        address = scope["method"], scope.get("raw_path"), scope["path"], scope["query_string"]
        if address != ("POST", b"/", "/", b""):
            return None
        headers = plain_headers(scope)
        is_plain = (
            headers is not None
            and SIGNED.match(headers.get("authorization", "")) is not None
            and headers.get("host", "").partition(":")[0] in HOSTS
            and CHANGING.isdisjoint(headers)
            and self.service_of(headers.get("x-amz-target", "")) in SERVICES
        )
        return headers if is_plain else None

    def _service_of(self, target: str) -> str:
        return str(self.app.detect_service("POST", "/", {"x-amz-target": target}, {}))

    async def answer(self, scope: Scope, headers: Headers, body: bytes) -> Answer | None:
        """Return MiniStack's answer to a plain request, None if it has to go the long way."""
        if headers.get("content-length") != str(len(body)) or self.app._get_reset_lock().locked():
            return None
        service = self.service_of(headers["x-amz-target"])
        try:
            region = self.app.extract_region(headers)
            key = self._pin(scope, headers, body, region)
            if self.app.AUTH and self._refuses(service, key, region, headers, body):
                return None
        except Exception:  # noqa: BLE001 - the long way has the same, and reports it
            return None
        return await self._served(service, headers, body, region)

    def _pin(self, scope: Scope, headers: Headers, body: bytes, region: str) -> str:
        """Tell MiniStack about a request what its checks and services ask for. Return its key."""
        address = (scope.get("client") or ("127.0.0.1",))[0]
        key = str(self.app.extract_access_key_id(headers))
        account = self.app._request_account_scope(key) if self.app.AUTH else key
        self.responses.set_request_client_ip(address)
        self.responses.set_request_account_id(account)
        self.responses.set_request_region(region)
        if self.app.AUTH:
            self.iam.pin_request_origin(address, False)
            self.iam.pin_request_caller(headers, {})
            # As pin_signed_request does, which reads the headers four times. Signatures of root
            # are not checked.
            request = self.iam.SignedRequest(key, "POST", "/", {}, headers, body)
            self.iam._signed_request.set(None if self.iam.is_root_access_key(key) else request)
            self.iam._verified_key.set("")
            self.iam._anonymous.set(False)
        return key

    def _refuses(self, service: str, key: str, region: str, headers: Headers, body: bytes) -> bool:
        """Return True if MiniStack refuses any of the checks that it makes for a request."""
        request = service, "POST", "/", headers, body, {}
        action, account = self.actions.extract_iam_action(*request), self.responses.get_account_id()
        context = self.actions.request_tag_context(service, action, body, {})
        if service == "sqs":
            resource = self.actions.extract_resource_arn(*request, region, account)
            checks = [(action, resource)]
        else:
            context |= self.actions.dynamodb_service_context(body)
            checks = self.actions.dynamodb_transaction_checks(action, body, region, account)
            if checks:
                context["dynamodb:EnclosingOperation"] = [action.split(":", 1)[1]]
            else:
                tables = self.actions.dynamodb_resource_arns(body, region, account)
                checks = [(action, arn) for arn in tables or ["*"]]
        return any(
            self.iam.enforce(key, act, service, region, resource_arn=arn, service_context=context)
            for act, arn in checks
        )

    async def _served(self, service: str, headers: Headers, body: bytes, region: str) -> Answer:
        request = "POST", "/", headers, body, {}
        try:
            status, lines, content = await self.app.SERVICE_HANDLERS[service](*request)
        except Exception as error:
            self.app.logger.exception("Error handling %s request: %s", service, error)
            failure = json.dumps({"__type": "InternalError", "message": str(error)})
            return Answer(500, {"Content-Type": "application/json"}, failure.encode())
        self.responses.fix_error_content_type(service, status, lines)
        self.responses.fix_success_content_type(service, status, lines)
        request_id = secrets.token_hex(16)
        self.app._maybe_record_cloudtrail(service, *request, request_id, region)
        content = content if isinstance(content, bytes) else content.encode()
        return Answer(status, {**lines, "x-amzn-requestid": request_id}, content)
