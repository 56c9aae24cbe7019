"""The long-lived workers that run beside the functions, as containers on ECS Fargate.

A stage's parameter turns the worker on (condition `CmppOn`): its role, its queues and their alarms.
Its containers exist only with an image (`CmppOnFargate`). Without an image the worker runs
elsewhere, as on the local stack.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from chalicelib import config

Resource = dict[str, Any]

CMPP = "cmpp"
MODULE = "chalicelib.entrypoints.workers.cmpp"
ON, ON_FARGATE = "CmppOn", "CmppOnFargate"

TIMEOUTS = 6  # HTTP timeouts per answer, since SMS networks take up to a minute
CALLS_OF_A_LEASE = 3  # a call takes two of a worker's timeouts at most
LOG_DAYS = 30
FAREWELL = 120  # seconds to finish the calls under way, the most that Fargate allows


def timeout(provider_timeout: str) -> int:
    """Return the seconds that a worker waits for one answer."""
    return int(TIMEOUTS * float(provider_timeout))


def environment(functions: Mapping[str, Any]) -> Resource:
    """Return a container's environment: the functions' one with the worker's own times."""
    seconds = timeout(functions["PROVIDER_TIMEOUT"])
    return {
        **functions,
        "PROVIDER_TIMEOUT": str(seconds),
        "LEASE": str(CALLS_OF_A_LEASE * seconds),
        "WORKERS": CMPP,
        "AWS_DEFAULT_REGION": {"Ref": "AWS::Region"},
    }


def conditional(resources: Mapping[str, Resource], condition: str = ON) -> Resource:
    return {name: {**resource, "Condition": condition} for name, resource in resources.items()}


def resources(stage: str, folder: Path, variables: Mapping[str, Any]) -> Resource:
    """Build the worker's resources from the policies in `folder` and the functions' variables."""
    policy = json.loads((folder / ".chalice" / "policy-cmpp.json").read_text())
    role = _role("CmppTaskPolicy", policy)
    return {
        **conditional({"CmppTaskRole": role}),
        **conditional(_containers(stage, environment(variables)), ON_FARGATE),
    }


def _containers(stage: str, variables: Mapping[str, Any]) -> Resource:
    name = f"{config.APP}-{stage}-{CMPP}"
    return {
        "CmppCluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": name}},
        "CmppTask": {"Type": "AWS::ECS::TaskDefinition", "Properties": _task(name, variables)},
        "CmppService": {"Type": "AWS::ECS::Service", "Properties": _service(name)},
        "CmppExecutionRole": _role("CmppExecutionPolicy", _execution_policy()),
        "CmppLogs": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Retain",
            "Properties": {"LogGroupName": f"/ecs/{name}", "RetentionInDays": LOG_DAYS},
        },
    }


def _task(name: str, variables: Mapping[str, Any]) -> Resource:
    container = {
        "Name": CMPP,
        "Image": {"Ref": "CmppImage"},
        "Command": ["python", "-m", MODULE],
        "Essential": True,
        "StopTimeout": FAREWELL,
        "ReadonlyRootFilesystem": True,
        "Environment": [{"Name": key, "Value": value} for key, value in sorted(variables.items())],
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": {"Ref": "CmppLogs"},
                "awslogs-region": {"Ref": "AWS::Region"},
                "awslogs-stream-prefix": CMPP,
            },
        },
    }
    return {
        "Family": name,
        "Cpu": "256",
        "Memory": "512",
        "NetworkMode": "awsvpc",
        "RequiresCompatibilities": ["FARGATE"],
        "RuntimePlatform": {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"},
        "TaskRoleArn": {"Fn::GetAtt": ["CmppTaskRole", "Arn"]},
        "ExecutionRoleArn": {"Fn::GetAtt": ["CmppExecutionRole", "Arn"]},
        "ContainerDefinitions": [container],
    }


def _service(name: str) -> Resource:
    network: Resource = {"AssignPublicIp": "DISABLED"}
    for option in ("Subnets", "SecurityGroups"):
        network[option] = {
            "Fn::If": [f"HasCmpp{option}", {"Ref": f"Cmpp{option}"}, {"Ref": "AWS::NoValue"}]
        }
    return {
        "ServiceName": name,
        "Cluster": {"Ref": "CmppCluster"},
        "TaskDefinition": {"Ref": "CmppTask"},
        "DesiredCount": {"Ref": "CmppDesiredCount"},
        "LaunchType": "FARGATE",
        "NetworkConfiguration": {"AwsvpcConfiguration": network},
        # The old task ends first. Two tasks would exceed the account's limit of connections.
        "DeploymentConfiguration": {
            "MinimumHealthyPercent": 0,
            "MaximumPercent": 100,
            "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
        },
    }


def _role(name: str, policy: Resource) -> Resource:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [{"PolicyName": name, "PolicyDocument": policy}],
        },
    }


def _execution_policy() -> Resource:
    """Allow ECS to fetch the worker's image from this account, and to write its log."""
    repositories = {
        "Fn::Sub": "arn:${AWS::Partition}:ecr:${AWS::Region}:${AWS::AccountId}:repository/*"
    }
    statements: Iterable[tuple[list[str], Any]] = (
        (["ecr:GetAuthorizationToken"], "*"),
        (
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            repositories,
        ),
        (["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": ["CmppLogs", "Arn"]}),
    )
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": resource}
            for actions, resource in statements
        ],
    }
