"""Addresses of functions that need no API Gateway, which costs a dollar per million requests.

A function URL has neither a firewall nor a throttle, except for the function's concurrency. So the
app serves few routes there (chalicelib/entrypoints/http/payload.py).
Source: docs.aws.amazon.com/lambda/latest/dg/urls-auth (November 2026).
"""

from __future__ import annotations

from infra.template.stage import Resource


def resources(name: str, function: str) -> Resource:
    """Build the function URL of a function, and the permissions of its callers."""
    arn = {"Fn::GetAtt": [function, "Arn"]}
    return {
        f"{name}FunctionUrl": {
            "Type": "AWS::Lambda::Url",
            "Properties": {"TargetFunctionArn": arn, "AuthType": "NONE"},
        },
        f"{name}UrlPermission": _permission(
            arn, "lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}
        ),
        # Needed besides since October 2025.
        f"{name}InvokePermission": _permission(
            arn, "lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}
        ),
    }


def address(name: str) -> Resource:
    """Return the address, which ends with a slash."""
    return {"Fn::GetAtt": [f"{name}FunctionUrl", "FunctionUrl"]}


def only_if(condition: str, resources: Resource) -> Resource:
    return {name: {**resource, "Condition": condition} for name, resource in resources.items()}


def _permission(function: Resource, action: str, conditions: Resource) -> Resource:
    properties = {"Action": action, "FunctionName": function, "Principal": "*", **conditions}
    return {"Type": "AWS::Lambda::Permission", "Properties": properties}
