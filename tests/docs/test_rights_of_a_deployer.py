"""The policy in the how-to allows what a deployment does, by actions that AWS has."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "deploy.md").read_text()
POLICY = json.loads(PAGE.split("## Rights of a deployer")[1].split("```json")[1].split("```")[0])
HERE = "us-east-1:123456789012"
STACK = f"arn:aws:cloudformation:{HERE}:stack/openums-prod/0a1b"
TRANSFORM = "arn:aws:cloudformation:us-east-1:aws:transform/Serverless-2016-10-31"
PACKAGES = "arn:aws:s3:::openums-packages-123456789012-us-east-1"
TABLE = f"arn:aws:dynamodb:{HERE}:table/openums-prod-settings"
CLOCK = f"arn:aws:states:{HERE}:stateMachine:openums-prod-clock"
ROLE = "arn:aws:iam::123456789012:role/openums-prod-SweepRole-1A2B"

# Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
OF_ACCESS_LOGS = (
    "CreateLogDelivery",
    "DeleteLogDelivery",
    "DescribeResourcePolicies",
    "GetLogDelivery",
    "ListLogDeliveries",
    "PutResourcePolicy",
    "UpdateLogDelivery",
)

# Calls of infra/.
CALLS = [
    *(
        (f"cloudformation:{name}", STACK)
        for name in (
            "CreateChangeSet",
            "DeleteChangeSet",
            "DeleteStack",
            "DescribeChangeSet",
            "DescribeStackEvents",
            "DescribeStacks",
            "ExecuteChangeSet",
            "UpdateTerminationProtection",
        )
    ),
    ("cloudformation:CreateChangeSet", TRANSFORM),
    ("s3:ListBucket", PACKAGES),
    ("s3:CreateBucket", PACKAGES),
    ("s3:PutBucketPublicAccessBlock", PACKAGES),
    ("s3:PutObject", f"{PACKAGES}/code/x.zip"),
    ("s3:GetObject", f"{PACKAGES}/code/x.zip"),
    ("dynamodb:Scan", TABLE),
    ("dynamodb:PutItem", TABLE),
    ("dynamodb:DescribeTable", TABLE),
    ("dynamodb:Query", TABLE.replace("settings", "due")),
    ("kms:DescribeKey", f"arn:aws:kms:{HERE}:alias/openums-prod"),
    ("logs:DescribeLogGroups", f"arn:aws:logs:{HERE}:log-group:*"),
    ("lambda:GetAccountSettings", "*"),
    ("iam:GetRole", "arn:aws:iam::1:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"),
    ("states:ListStateMachines", "*"),
    ("states:ListExecutions", CLOCK),
    ("sts:GetCallerIdentity", "*"),
]


# The first calls of CloudFormation for each type of the template.
TYPES: Mapping[str, Sequence[tuple[str, str]]] = {
    "AWS::ApiGatewayV2::Api": [("apigateway:POST", "arn:aws:apigateway:us-east-1::/apis")],
    "AWS::ApiGatewayV2::Integration": [
        ("apigateway:POST", "arn:aws:apigateway:us-east-1::/apis/a1b2/integrations")
    ],
    "AWS::ApiGatewayV2::Route": [
        ("apigateway:POST", "arn:aws:apigateway:us-east-1::/apis/a1b2/routes")
    ],
    "AWS::ApiGatewayV2::Stage": [
        ("apigateway:PATCH", "arn:aws:apigateway:us-east-1::/apis/a1b2/stages/$default"),
        *((f"logs:{name}", "*") for name in OF_ACCESS_LOGS),
    ],
    "AWS::Budgets::Budget": [("budgets:ModifyBudget", "arn:aws:budgets::1:budget/openums-prod")],
    "AWS::CloudWatch::Alarm": [
        ("cloudwatch:PutMetricAlarm", f"arn:aws:cloudwatch:{HERE}:alarm:openums-prod-OverdueAlarm")
    ],
    "AWS::CloudWatch::Dashboard": [
        ("cloudwatch:PutDashboard", "arn:aws:cloudwatch::123456789012:dashboard/openums-prod")
    ],
    "AWS::DynamoDB::Table": [("dynamodb:CreateTable", TABLE)],
    "AWS::ECS::Cluster": [("ecs:CreateCluster", f"arn:aws:ecs:{HERE}:cluster/openums-prod-cmpp")],
    "AWS::ECS::Service": [
        ("ecs:CreateService", f"arn:aws:ecs:{HERE}:service/openums-prod-cmpp/openums-prod-cmpp")
    ],
    "AWS::ECS::TaskDefinition": [
        ("ecs:RegisterTaskDefinition", f"arn:aws:ecs:{HERE}:task-definition/openums-prod-cmpp:1")
    ],
    "AWS::IAM::Policy": [("iam:PutRolePolicy", ROLE)],
    "AWS::IAM::Role": [("iam:CreateRole", ROLE), ("iam:PassRole", ROLE)],
    "AWS::KMS::Alias": [("kms:CreateAlias", f"arn:aws:kms:{HERE}:alias/openums-prod")],
    "AWS::KMS::Key": [("kms:CreateKey", "*")],
    "AWS::Lambda::LayerVersion": [
        ("lambda:PublishLayerVersion", f"arn:aws:lambda:{HERE}:layer:openums-prod-facts"),
        ("lambda:GetLayerVersion", f"arn:aws:lambda:{HERE}:layer:openums-prod-facts:1"),
        ("lambda:DeleteLayerVersion", f"arn:aws:lambda:{HERE}:layer:openums-prod-facts:1"),
    ],
    "AWS::Lambda::Permission": [
        ("lambda:AddPermission", f"arn:aws:lambda:{HERE}:function:openums-prod-api")
    ],
    "AWS::Lambda::Url": [
        ("lambda:CreateFunctionUrlConfig", f"arn:aws:lambda:{HERE}:function:openums-prod-receipts")
    ],
    "AWS::Logs::LogGroup": [
        ("logs:CreateLogGroup", f"arn:aws:logs:{HERE}:log-group:/aws/lambda/openums-prod-sweep"),
        ("logs:CreateLogGroup", f"arn:aws:logs:{HERE}:log-group:/aws/apigateway/openums-prod"),
        ("logs:PutRetentionPolicy", f"arn:aws:logs:{HERE}:log-group:/ecs/openums-prod-cmpp"),
    ],
    "AWS::S3::Bucket": [("s3:CreateBucket", "arn:aws:s3:::openums-prod-filesbucket-1a2b")],
    "AWS::S3::BucketPolicy": [("s3:PutBucketPolicy", "arn:aws:s3:::openums-prod-filesbucket-1a")],
    "AWS::Scheduler::ScheduleGroup": [
        ("scheduler:CreateScheduleGroup", f"arn:aws:scheduler:{HERE}:schedule-group/openums-prod")
    ],
    "AWS::Serverless::Api": [
        ("apigateway:POST", "arn:aws:apigateway:us-east-1::/restapis"),
        ("apigateway:PATCH", "arn:aws:apigateway:us-east-1::/restapis/a1b2/stages/api"),
    ],
    "AWS::Serverless::Function": [
        ("lambda:CreateFunction", f"arn:aws:lambda:{HERE}:function:openums-prod-sweep"),
        ("lambda:PutFunctionRecursionConfig", f"arn:aws:lambda:{HERE}:function:openums-prod-sweep"),
        ("lambda:CreateEventSourceMapping", "*"),
        ("events:PutRule", f"arn:aws:events:{HERE}:rule/openums-prod-SweepSweepSchedule-1A2B"),
    ],
    "AWS::SQS::Queue": [("sqs:CreateQueue", f"arn:aws:sqs:{HERE}:openums-prod-sms-1")],
    "AWS::StepFunctions::StateMachine": [("states:CreateStateMachine", CLOCK)],
}


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize(
    ("action", "resource"), [*CALLS, *(call for calls in TYPES.values() for call in calls)]
)
def test_a_call_of_a_deployment_is_allowed(action: str, resource: str) -> None:
    assert any(
        any(fnmatchcase(action, pattern) for pattern in _listed(statement["Action"]))
        and any(fnmatchcase(resource, pattern) for pattern in _listed(statement["Resource"]))
        for statement in POLICY["Statement"]
    )


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:s3:::somebody-else",
        f"arn:aws:dynamodb:{HERE}:table/orders",
        f"arn:aws:lambda:{HERE}:function:billing",
        "arn:aws:iam::123456789012:role/admin",
    ],
)
def test_nothing_of_other_applications_may_be_changed(resource: str) -> None:
    service = resource.split(":")[2]
    for statement in POLICY["Statement"]:
        writes = [
            action
            for action in _listed(statement["Action"])
            if action.startswith(f"{service}:")
            and not re.search(r":(Get|List|Describe)|EventSourceMapping", action)
        ]
        patterns = _listed(statement["Resource"])
        assert not writes or not any(fnmatchcase(resource, pattern) for pattern in patterns)


def test_aws_has_every_action_and_knows_the_resources_of_those_that_are_bound_to_some() -> None:
    """By the list that cfn-lint ships."""
    raw = files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json").read_text()
    known = json.loads(raw)
    for statement in POLICY["Statement"]:
        for action in _listed(statement["Action"]):
            service, _, name = action.partition(":")
            if name == "*":
                assert statement["Resource"] != "*"
                continue
            described = known[service]["Actions"][name.lower()]
            assert statement["Resource"] == "*" or described.get("Resources"), action


def test_the_policy_fits_into_one_managed_policy() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    assert len(json.dumps(POLICY, separators=(",", ":"))) <= 6144
