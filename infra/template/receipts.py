"""A function of its own for providers' receipts, behind a function URL. It is an option.

It runs the same app as the API's function. Receipts then neither wait for senders nor starve them.
The app serves nothing but receipts there.
"""

from __future__ import annotations

from chalicelib import config
from infra.template import function_url
from infra.template.stage import API, Resource, Stage

NAME = config.RECEIPTS
ON = "ReceiptsUrlOn"

MISSING = {"Ref": "AWS::NoValue"}


def resources(stage: Stage, settings: Resource, logs: Resource) -> Resource:
    """Build the function with settings of every function. `logs` is its log group."""
    own: Resource = {"Receipts": _function(stage, settings), "ReceiptsLogs": logs}
    own["ReceiptsRole"] = _role(stage)
    return function_url.only_if(ON, own | function_url.resources("Receipts", "Receipts"))


def url() -> Resource:
    """Return the address of the function URL, which ends with a slash. Empty where it is off."""
    return {"Fn::If": [ON, function_url.address("Receipts"), ""]}


def _role(stage: Stage) -> Resource:
    """Build the role. It may do what the API may, and writes logs of its own."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    policy = {"PolicyName": "ReceiptsRolePolicy", "PolicyDocument": stage.policy_of_the_api(NAME)}
    properties = {
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "Policies": [policy],
    }
    return {"Type": "AWS::IAM::Role", "Properties": properties}


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
        "Role": {"Fn::GetAtt": ["ReceiptsRole", "Arn"]},
        **settings,
        "ReservedConcurrentExecutions": concurrency,
    }
    return {"Type": "AWS::Serverless::Function", "Properties": properties}
