"""The REST API: who may use how much of it, and what API Gateway answers by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator

from chalicelib import config
from infra.template.stage import API, Resource, Stage

# Paths that anybody may call. Each has a throttle of its own, so that they cannot use up the API.
# The documents have hundreds of kilobytes: at 300 requests a second they would cost $80 an hour.
RECEIPTS = ("/receipts/", "/v1/{type}/callback")
LINKS = ("/l/", "/u/", "/o/")
DOCUMENTS = ("/docs", "/openapi.json")
OUTSIDERS = (
    (RECEIPTS, {"Ref": "ReceiptRate"}, 600),
    (LINKS, {"Ref": "LinkRate"}, 2000),
    (DOCUMENTS, 5, 10),
)


def api_name(stage: Stage) -> str:
    return f"{config.APP}-{stage.name}"


def resource(stage: Stage) -> Resource:
    """Gateway's own errors in our shape, throttles, and integrations that name their function.

    Named, not referred to: the function's environment holds the API's address, which would close a circle.
    """
    function = config.function_name(stage.name, API)
    arn = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:" + function
    uri = {
        "Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
        + arn
        + "/invocations"
    }
    paths: Resource = {}
    for path, method in stage.routes:
        paths.setdefault(path, {})[method.lower()] = {
            "x-amazon-apigateway-integration": {"uri": uri}
        }
    # CloudWatch tells APIs apart by their titles.
    body = {
        "info": {"title": api_name(stage)},
        "paths": paths,
        "x-amazon-apigateway-gateway-responses": dict(_gateway_responses()),
    }
    properties = {
        "OpenApiVersion": "2.0",  # what Chalice writes; said aloud, SAM leaves out its superfluous second stage named "Stage"
        "DefinitionBody": body,
        "TracingEnabled": True,
        "MethodSettings": _throttles(stage),
    }
    return {"Properties": properties}


def _throttles(stage: Stage) -> list[Resource]:
    settings = [_throttle("/*", "*", {"Ref": "ApiRate"}, 1000)]
    for path, method in stage.routes:
        for prefixes, rate, burst in OUTSIDERS:
            if path.startswith(prefixes):
                settings.append(_throttle("/" + path.replace("/", "~1"), method, rate, burst))
    return settings


def _throttle(path: str, method: str, rate: object, burst: int) -> Resource:
    limits = {"ThrottlingRateLimit": rate, "ThrottlingBurstLimit": burst}
    return {"ResourcePath": path, "HttpMethod": method, **limits}


def _gateway_responses() -> Iterator[tuple[str, Resource]]:
    """A request that never reaches the function gets an answer of the same shape as any other.

    API Gateway calls an unknown path a missing token and, because ours carry Basic credentials, an incomplete signature
    (DEFAULT_4XX): every other kind that can happen here is listed.
    """
    unknown = (404, 4004, "no such path or method")
    large = "the body is too large; an attachment of more than 4.4 MB is uploaded as POST /v1/material/upload says"
    answers = {
        "MISSING_AUTHENTICATION_TOKEN": unknown,
        "RESOURCE_NOT_FOUND": unknown,
        "INVALID_SIGNATURE": unknown,
        "DEFAULT_4XX": unknown,
        "BAD_REQUEST_BODY": (400, 4004, "the body cannot be read"),
        "BAD_REQUEST_PARAMETERS": (400, 4004, "a parameter cannot be read"),
        "UNAUTHORIZED": (401, 4005, "credentials are missing"),
        "ACCESS_DENIED": (403, 4005, "access denied"),
        "WAF_FILTERED": (403, 4005, "access denied"),
        "EXPIRED_TOKEN": (403, 4005, "access denied"),
        "REQUEST_TOO_LARGE": (413, 4004, large),
        "UNSUPPORTED_MEDIA_TYPE": (415, 4004, "this content type is not accepted"),
        "THROTTLED": (429, 1015030, "too many requests"),
        "QUOTA_EXCEEDED": (429, 1015030, "too many requests"),
        "INTEGRATION_TIMEOUT": (504, 5000, "no answer in time; it may have been accepted"),
        "INTEGRATION_FAILURE": (502, 5000, "no answer; it may have been accepted"),
        "DEFAULT_5XX": (500, 5000, "an error on our side; it may have been accepted"),
    }
    for kind, (status, code, message) in answers.items():
        body = json.dumps({"code": code, "message": message})
        yield kind, {"statusCode": status, "responseTemplates": {"application/json": body}}
