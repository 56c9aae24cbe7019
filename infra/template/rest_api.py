"""The REST API, an option for deployments that have addresses of it: throttles, and own answers."""

from __future__ import annotations

import json
from collections.abc import Iterator

from chalicelib import config
from chalicelib.entrypoints.http.route import SAFE_HEADERS
from infra.template import throttles
from infra.template.stage import API, Resource, Stage

ON = "RestApiOn"  # condition of everything that belongs to this API
OUTPUTS = ("RestAPIId", "EndpointURL")  # Chalice's

_SAFE = {f"gatewayresponse.header.{name}": f"'{value}'" for name, value in SAFE_HEADERS.items()}

TOO_LARGE = (
    "the body is too large; an attachment of more than 4.4 MB is uploaded as"
    " POST /v1/material/upload says"
)


def resources(stage: Stage) -> Resource:
    """Build what Chalice adds for a REST API, under a condition."""
    return {"RestAPI": _api(stage), "APIHandlerInvokePermission": {"Condition": ON}}


def _api(stage: Stage) -> Resource:
    """Build the API: errors in our format, throttles, and integrations that name their function.

    A reference to the function would close a circle, because its environment has the API's address.
    """
    function = config.function_name(stage.name, API)
    path_to_lambda = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31"
    arn = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:" + function
    integration = {"uri": {"Fn::Sub": f"{path_to_lambda}/functions/{arn}/invocations"}}
    paths: Resource = {}
    for path, method in stage.routes:
        paths.setdefault(path, {})[method.lower()] = {
            "x-amazon-apigateway-integration": integration
        }
    # CloudWatch tells APIs apart by their titles.
    body = {
        "info": {"title": config.api_name(stage.name)},
        "paths": paths,
        "x-amazon-apigateway-gateway-responses": dict(_gateway_responses()),
    }
    properties = {
        # Chalice's version. With it, SAM leaves out its superfluous second stage named "Stage".
        "OpenApiVersion": "2.0",
        "DefinitionBody": body,
        "TracingEnabled": {"Fn::If": ["TracingOn", True, False]},
        "MethodSettings": _throttles(stage),
    }
    return {"Condition": ON, "Properties": properties}


def _throttles(stage: Stage) -> list[Resource]:
    """Build the throttles. Receipts and clicks have their own, and cannot use up the API."""
    settings = [_throttle("/*", "*", *throttles.ALL)]
    for path, method, rate, burst in throttles.outsiders(stage):
        settings.append(_throttle("/" + path.replace("/", "~1"), method, rate, burst))
    return settings


def _throttle(path: str, method: str, rate: object, burst: int) -> Resource:
    limits = {"ThrottlingRateLimit": rate, "ThrottlingBurstLimit": burst}
    return {"ResourcePath": path, "HttpMethod": method, **limits}


def _gateway_responses() -> Iterator[tuple[str, Resource]]:
    """Yield answers in the usual format for requests that never reach the function."""
    for kind, (status, code, message) in _gateway_answers().items():
        body = json.dumps({"code": code, "message": message})
        answer: Resource = {"statusCode": status, "responseTemplates": {"application/json": body}}
        yield kind, {**answer, "responseParameters": _SAFE}


def _gateway_answers() -> dict[str, tuple[int, int, str]]:
    """Return status, code and message of API Gateway's answers by kind.

    For API Gateway, an unknown path is a missing token. With Basic credentials it is an incomplete
    signature (DEFAULT_4XX). So every other kind that can happen here is listed.
    """
    unknown = (404, 4004, "no such path or method")
    denied = (403, 4005, "access denied")
    busy = (429, 1015030, "too many requests")
    return {
        "MISSING_AUTHENTICATION_TOKEN": unknown,
        "RESOURCE_NOT_FOUND": unknown,
        "INVALID_SIGNATURE": unknown,
        "DEFAULT_4XX": unknown,
        "BAD_REQUEST_BODY": (400, 4004, "the body cannot be read"),
        "BAD_REQUEST_PARAMETERS": (400, 4004, "a parameter cannot be read"),
        "UNAUTHORIZED": (401, 4005, "credentials are missing"),
        "ACCESS_DENIED": denied,
        "WAF_FILTERED": denied,
        "EXPIRED_TOKEN": denied,
        "REQUEST_TOO_LARGE": (413, 4004, TOO_LARGE),
        "UNSUPPORTED_MEDIA_TYPE": (415, 4004, "this content type is not accepted"),
        "THROTTLED": busy,
        "QUOTA_EXCEEDED": busy,
        "INTEGRATION_TIMEOUT": (504, 5000, "no answer in time; it may have been accepted"),
        "INTEGRATION_FAILURE": (502, 5000, "no answer; it may have been accepted"),
        "DEFAULT_5XX": (500, 5000, "an error on our side; it may have been accepted"),
    }
