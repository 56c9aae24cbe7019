"""The CloudFormation stack of a stage: its name, its state, and whether it can be changed now."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from chalicelib import config

# Statuses from which a stack cannot be updated, and the way out.
STUCK: Mapping[str, str] = {
    "UPDATE_ROLLBACK_FAILED": "choose “Continue update rollback” in the CloudFormation console",
    "ROLLBACK_FAILED": "delete the stack in the CloudFormation console",
    "CREATE_FAILED": "delete the stack in the CloudFormation console",
    "DELETE_FAILED": "delete the stack again in the CloudFormation console, and see its events",
}
EMPTY = "REVIEW_IN_PROGRESS"  # has a change set, and nothing else
NOT_CREATED = "ROLLBACK_COMPLETE"  # left from a creation that failed


class DeploymentFailed(Exception):
    """Raised with one line for the person who deploys."""


def aws() -> Any:
    """Return a boto3 session that reads AWS_REGION, as other AWS tools do.

    By itself, boto3 reads only AWS_DEFAULT_REGION.
    """
    import boto3

    if region := os.environ.get("AWS_REGION"):
        os.environ["AWS_DEFAULT_REGION"] = region
    session = boto3.session.Session()
    if not session.region_name:
        raise DeploymentFailed("the region is unknown: set AWS_REGION or AWS_PROFILE")
    return session


def stack_name(stage: str) -> str:
    return f"{config.APP}-{stage}"


def describe(cloudformation: Any, stack: str) -> dict[str, Any] | None:
    """Return the stack, or None if it does not exist or is empty."""
    try:
        (described,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return None if described["StackStatus"] == EMPTY else dict(described)


def refuse_unready(stack: str, status: str) -> None:
    """Raise DeploymentFailed if CloudFormation would not take a change set of this stack now."""
    if status.endswith("_IN_PROGRESS"):
        raise DeploymentFailed(
            f"{stack} is {status}: another deployment runs. Wait until it ends, then deploy again."
        )
    if status in STUCK:
        raise DeploymentFailed(f"{stack} is {status}: {STUCK[status]}, then deploy again.")
