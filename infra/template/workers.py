"""The long-lived workers that run beside the functions, as containers on ECS Fargate.

What is here exists only where a stage's parameter turns the worker on (Condition `CmppOn`): its role, its queues and their alarms; and
its containers where there is an image, too (`CmppOnFargate`). Without one the worker runs elsewhere, as on the local stack.
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

TIMEOUTS = 6  # of an exchange over HTTP: networks that carry SMS take up to a minute for an answer
CALLS_OF_A_LEASE = 3  # a call takes two of a worker's timeouts at most
LOG_DAYS = 30
FAREWELL = 120  # seconds to finish what is in hand: as long as Fargate allows


def timeout(provider_timeout: str) -> int:
    """Seconds that a worker waits for one answer."""
    return int(TIMEOUTS * float(provider_timeout))


def environment(functions: Mapping[str, Any]) -> Resource:
    """Of a container: that of the functions with the worker's own times."""
    own = timeout(functions["PROVIDER_TIMEOUT"])
    changed = {
        "PROVIDER_TIMEOUT": str(own),
        "LEASE": str(CALLS_OF_A_LEASE * own),
        "WORKERS": CMPP,
        "AWS_DEFAULT_REGION": {"Ref": "AWS::Region"},
    }
    return {**functions, **changed}


def conditional(resources: Mapping[str, Resource], condition: str = ON) -> Resource:
    return {name: {**resource, "Condition": condition} for name, resource in resources.items()}


def resources(stage: str, folder: Path, variables: Mapping[str, Any]) -> Resource:
    """`folder` has the policies, `variables` are those of the functions."""
    policy = json.loads((folder / ".chalice" / "policy-cmpp.json").read_text())
    role = _role("CmppTaskPolicy", policy)
    return {
        **conditional({"CmppTaskRole": role}),
        **conditional(_containers(stage, environment(variables)), ON_FARGATE),
    }


def _containers(stage: str, variables: Mapping[str, Any]) -> Resource:
    name = f"{config.APP}-{stage}-{CMPP}"
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
    task = {
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
    given = {
        name: {"Fn::If": [f"HasCmpp{name}", {"Ref": f"Cmpp{name}"}, {"Ref": "AWS::NoValue"}]}
        for name in ("Subnets", "SecurityGroups")
    }
    network = {**given, "AssignPublicIp": "DISABLED"}
    service = {
        "ServiceName": name,
        "Cluster": {"Ref": "CmppCluster"},
        "TaskDefinition": {"Ref": "CmppTask"},
        "DesiredCount": {"Ref": "CmppDesiredCount"},
        "LaunchType": "FARGATE",
        "NetworkConfiguration": {"AwsvpcConfiguration": network},
        # The old one goes first: two at once would open more connections than the account may have.
        "DeploymentConfiguration": {
            "MinimumHealthyPercent": 0,
            "MaximumPercent": 100,
            "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
        },
    }
    return {
        "CmppCluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": name}},
        "CmppTask": {"Type": "AWS::ECS::TaskDefinition", "Properties": task},
        "CmppService": {"Type": "AWS::ECS::Service", "Properties": service},
        "CmppExecutionRole": _role("CmppExecutionPolicy", _execution_policy()),
        "CmppLogs": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Retain",
            "Properties": {"LogGroupName": f"/ecs/{name}", "RetentionInDays": LOG_DAYS},
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
    """What ECS does before the worker runs: fetch its image, from a repository of this account, and write its log."""
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
