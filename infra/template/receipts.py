"""A function of its own for providers' receipts, behind a function URL. It is an option.

It runs the same app as the API's function. Receipts then neither wait for senders nor starve them.
A function URL has neither a firewall nor a throttle, except for the function's concurrency. So the
app serves nothing but receipts there.
Source: docs.aws.amazon.com/lambda/latest/dg/urls-auth (November 2026).
"""

from __future__ import annotations

from chalicelib import config
from infra.template.stage import API, Resource, Stage

NAME = "receipts"
ON = "ReceiptsUrlOn"

MISSING = {"Ref": "AWS::NoValue"}

_FUNCTION = {"Fn::GetAtt": ["Receipts", "Arn"]}


def resources(stage: Stage, settings: Resource, logs: Resource) -> Resource:
    """Build the function with settings of every function. `logs` is its log group."""
    resources: Resource = {
        "Receipts": _function(stage, settings),
        "ReceiptsLogs": logs,
        "ReceiptsFunctionUrl": {
            "Type": "AWS::Lambda::Url",
            "Properties": {"TargetFunctionArn": _FUNCTION, "AuthType": "NONE"},
        },
        "ReceiptsUrlPermission": _permission(
            "lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}
        ),
        # Needed besides since October 2025.
        "ReceiptsInvokePermission": _permission(
            "lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}
        ),
    }
    return {name: {**resource, "Condition": ON} for name, resource in resources.items()}


def url() -> Resource:
    """Return the address of the function URL, which ends with a slash. Empty where it is off."""
    return {"Fn::If": [ON, {"Fn::GetAtt": ["ReceiptsFunctionUrl", "FunctionUrl"]}, ""]}


def _function(stage: Stage, settings: Resource) -> Resource:
    scope = stage.chalice.scope(stage.name, "api_handler")
    concurrency = {"Fn::If": ["HasReceiptsConcurrency", {"Ref": "ReceiptsConcurrency"}, MISSING]}
    properties = {
        "FunctionName": config.function_name(stage.name, NAME),
        "Runtime": stage.runtime,
        "Handler": "app.app",
        "CodeUri": "./deployment.zip",
        "Architectures": [scope.lambda_architecture],
        "Timeout": stage.timeout(API),
        "MemorySize": scope.lambda_memory_size,
        "Role": {"Fn::GetAtt": ["ApiHandlerRole", "Arn"]},
        **settings,
        "ReservedConcurrentExecutions": concurrency,
    }
    return {"Type": "AWS::Serverless::Function", "Properties": properties}


def _permission(action: str, conditions: Resource) -> Resource:
    properties = {"Action": action, "FunctionName": _FUNCTION, "Principal": "*", **conditions}
    return {"Type": "AWS::Lambda::Permission", "Properties": properties}
