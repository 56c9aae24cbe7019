"""The HTTP API: the public address of a deployment, at two sevenths of a REST API's price.

All requests go to the function, which matches their paths. Routes of outsiders are named as well,
each with a throttle of its own. API Gateway's own answers have its shape, not OpenUMS's:
docs/how-to/deploy.md names them.
"""

from __future__ import annotations

import json
import re

from chalicelib import config
from infra.template import throttles
from infra.template.stage import API, Resource, Stage

TIMEOUT = 30_000  # ms. The function ends after 29 s
DEFAULT = "$default"
CONSOLE = "console"
CONSOLE_ROUTES = ("ANY /console", "ANY /console/", "ANY /console/{page+}")
CONSOLE_THROTTLE = (100, 400)  # a page with its assets is up to eight requests

_API = {"Ref": "HttpApi"}
_ACCOUNT = "${AWS::Partition}:%s:${AWS::Region}:${AWS::AccountId}:"


def resources(stage: Stage) -> Resource:
    routes = {_route_id(key): key for key in dict.fromkeys([DEFAULT, *_limits(stage)])}
    resources: Resource = {
        "HttpApi": {
            "Type": "AWS::ApiGatewayV2::Api",
            "Properties": {"Name": config.api_name(stage.name), "ProtocolType": "HTTP"},
        },
        "HttpApiIntegration": _integration(stage),
        "HttpApiPermission": _permission(),
        # The console's pages have a function of their own.
        "HttpApiConsoleIntegration": _integration(stage, CONSOLE),
        "HttpApiConsolePermission": _permission("Console"),
        "HttpApiStage": _stage(stage, list(routes)),
    }
    for route_id, key in routes.items():
        name = "HttpApiConsoleIntegration" if key in CONSOLE_ROUTES else "HttpApiIntegration"
        target = {"Fn::Sub": f"integrations/${{{name}}}"}
        properties = {"ApiId": _API, "RouteKey": key, "Target": target}
        resources[route_id] = {"Type": "AWS::ApiGatewayV2::Route", "Properties": properties}
    return resources


def url() -> Resource:
    return {"Fn::Sub": "https://${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}"}


def _integration(stage: Stage, name: str = API) -> Resource:
    """Build the integration. It names the function, whose environment has the API's address."""
    function = config.function_name(stage.name, name)
    properties = {
        "ApiId": _API,
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": {"Fn::Sub": f"arn:{_ACCOUNT % 'lambda'}function:{function}"},
        "PayloadFormatVersion": "2.0",
        "TimeoutInMillis": TIMEOUT,
    }
    return {"Type": "AWS::ApiGatewayV2::Integration", "Properties": properties}


def _permission(function: str = "APIHandler") -> Resource:
    properties = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Ref": function},
        "Principal": "apigateway.amazonaws.com",
        "SourceArn": {"Fn::Sub": f"arn:{_ACCOUNT % 'execute-api'}${{HttpApi}}/*"},
    }
    return {"Type": "AWS::Lambda::Permission", "Properties": properties}


def _stage(stage: Stage, routes: list[str]) -> Resource:
    """Build the stage. A throttle can name only a route that exists."""
    properties = {
        "ApiId": _API,
        "StageName": DEFAULT,
        "AutoDeploy": True,
        "DefaultRouteSettings": _throttle(*throttles.ALL),
        "RouteSettings": _limits(stage),
        "AccessLogSettings": {"Fn::If": ["HasAccessLog", _access_log(), {"Ref": "AWS::NoValue"}]},
    }
    return {"Type": "AWS::ApiGatewayV2::Stage", "DependsOn": routes, "Properties": properties}


def _access_log() -> Resource:
    """Build the access log, without paths, which have user ids and tokens.

    The function writes route, caller's key and network under the same request id.
    """
    fields = {
        "request": "$context.requestId",
        "time": "$context.requestTimeEpoch",
        "route": "$context.routeKey",
        "status": "$context.status",
        "latency": "$context.responseLatency",
        "bytes": "$context.responseLength",
        "error": "$context.error.responseType",
    }
    group = {"Fn::GetAtt": ["ApiAccessLogs", "Arn"]}
    return {"DestinationArn": group, "Format": json.dumps(fields)}


def access_logs(stage: Stage, days: int) -> Resource:
    """Build the log group of the access log. It exists only if an operator turns it on."""
    return {
        "Type": "AWS::Logs::LogGroup",
        "Condition": "HasAccessLog",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "LogGroupName": f"/aws/apigateway/{config.api_name(stage.name)}",
            "RetentionInDays": days,
        },
    }


def _limits(stage: Stage) -> dict[str, Resource]:
    """Return the throttles of outsiders and of the console by route key (`GET /l/{token}`)."""
    pages = dict.fromkeys(CONSOLE_ROUTES, _throttle(*CONSOLE_THROTTLE))
    return pages | {
        f"{method} {path}": _throttle(rate, burst)
        for path, method, rate, burst in throttles.outsiders(stage)
    }


def _throttle(rate: object, burst: int) -> Resource:
    return {"ThrottlingRateLimit": rate, "ThrottlingBurstLimit": burst}


def _route_id(key: str) -> str:
    """Return a route's logical id (`HttpApiRouteGetLToken`)."""
    parts = (*re.findall(r"[A-Za-z0-9]+", key), *(["slash"] if key.endswith("/") else []))
    return "HttpApiRoute" + "".join(part[0].upper() + part[1:].lower() for part in parts)
