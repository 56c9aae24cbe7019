"""Delete the stack of a stage, and keep its data: `python -m infra.remove --stage prod --yes prod`.

Tables with what nobody can make again stay, and so do the bucket and the key. The command names
them. Without `--yes` and the stage's name it only says what would go, and what would stay.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from chalicelib import config
from infra import aws_errors, deploy
from infra.change_sets import HOLDING_DATA
from infra.stacks import DeploymentFailed, aws, describe, stack_name

WAITING = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


@dataclass(frozen=True)
class Resource:
    logical_id: str
    type: str
    physical_id: str

    def __str__(self) -> str:
        return f"{self.logical_id} ({self.type}): {self.physical_id}"


@dataclass(frozen=True)
class Contents:
    kept: Sequence[Resource]
    number: int  # of the resources that go
    queues: Sequence[str]  # addresses


def contents(session: Any, stage: str) -> Contents:
    """Return what stays of a stage, and how much goes. Raise DeploymentFailed without a stack."""
    cloudformation, stack = session.client("cloudformation"), stack_name(stage)
    if describe(cloudformation, stack) is None:
        raise DeploymentFailed(f"{stack} does not exist")
    template = cloudformation.get_template(StackName=stack, TemplateStage="Original")
    declared = template["TemplateBody"]["Resources"]
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = [
        Resource(each["LogicalResourceId"], each["ResourceType"], each["PhysicalResourceId"])
        for page in pages
        for each in page["StackResourceSummaries"]
        # A resource whose creation failed has no id.
        if each["ResourceStatus"] != "DELETE_COMPLETE" and each.get("PhysicalResourceId")
    ]
    kept = [
        resource
        for resource in resources
        if resource.type in HOLDING_DATA
        and declared.get(resource.logical_id, {}).get("DeletionPolicy") == "Retain"
    ]
    queues = [each.physical_id for each in resources if each.type == "AWS::SQS::Queue"]
    return Contents(kept, len(resources) - len(kept), queues)


def remove(session: Any, *, stage: str, poll: float = 5.0, drop_jobs: bool = False) -> Contents:
    """Delete the stack, and return what stayed. Its protection is switched off right before that.

    Raise DeploymentFailed while jobs wait, unless `drop_jobs`.
    """
    cloudformation, stack = session.client("cloudformation"), stack_name(stage)
    found = contents(session, stage)
    described = describe(cloudformation, stack) or {}
    if str(described.get("StackStatus", "")).endswith("_IN_PROGRESS"):
        raise DeploymentFailed(f"{stack} is {described['StackStatus']}: wait until it ends")
    waiting = _waiting(session, found.queues)
    if waiting and not drop_jobs:
        raise DeploymentFailed(
            f"{waiting} jobs wait in the queues of {stack} and would be lost: stop the senders and"
            " wait, or remove with --drop-jobs"
        )
    _delete(cloudformation, stack, described)
    waiter = cloudformation.get_waiter("stack_delete_complete")
    try:
        config_of = {"Delay": poll, "MaxAttempts": int(3600 / poll)}
        waiter.wait(StackName=described["StackId"], WaiterConfig=config_of)
    except WaiterError as error:
        raise DeploymentFailed(deploy.why(cloudformation, stack)) from error
    return found


def _delete(cloudformation: Any, stack: str, described: Mapping[str, Any]) -> None:
    """Begin the deletion. A stack that AWS does not delete is protected again as it was."""
    protect = cloudformation.update_termination_protection
    protect(StackName=stack, EnableTerminationProtection=False)
    try:
        cloudformation.delete_stack(StackName=stack)
    except (BotoCoreError, ClientError):
        if described.get("EnableTerminationProtection"):
            protect(StackName=stack, EnableTerminationProtection=True)
        raise


def due(session: Any, stage: str) -> str:
    """Say in a line which timers would end, or return an empty text without any."""
    request = {"TableName": config.table_name(stage, "due"), "Select": "COUNT"}
    try:
        answer = session.client("dynamodb").scan(**request, ConsistentRead=True)
    except ClientError as error:
        if aws_errors.code_of(error) != "ResourceNotFoundException":
            raise
        return ""
    if not answer["Count"]:
        return ""
    number = f"{answer['Count']}{' or more' if 'LastEvaluatedKey' in answer else ''}"
    return (
        f"{number} rows of timers are due or will be, and end with the stack: later steps of"
        " messages, scheduled messages, checks and statistics"
    )


def _waiting(session: Any, queues: Sequence[str]) -> int:
    """Count the jobs that wait or run, without dead letters."""
    sqs, number = session.client("sqs"), 0
    for url in queues:
        if not url.endswith(config.dead_letter_queue("")):
            answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(WAITING))
            number += sum(int(value) for value in answer["Attributes"].values())
    return number


def main(arguments: Sequence[str] | None = None, *, session_of: Callable[[], Any] = aws) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stage", required=True)
    parser.add_argument("--yes", default="", metavar="STAGE", help="the name of the stage again")
    parser.add_argument("--drop-jobs", action="store_true", help="remove while jobs wait")
    options = parser.parse_args(arguments)
    try:
        _run(session_of(), options)
    except DeploymentFailed as failure:
        sys.exit(str(failure))
    except (BotoCoreError, ClientError) as error:
        sys.exit(aws_errors.explain(error))


def _run(session: Any, options: argparse.Namespace) -> None:
    stack, found = stack_name(options.stage), contents(session, options.stage)
    print(f"{stack}: {found.number} resources go. This data stays, and costs as before:")
    for resource in found.kept:
        print(f"  {resource}")
    if timers := due(session, options.stage):
        print(f"{stack}: {timers}.")
    if options.yes != options.stage:
        raise DeploymentFailed(f"nothing was removed; to remove it, add --yes {options.stage}")
    remove(session, stage=options.stage, drop_jobs=options.drop_jobs)
    print(f"{stack} is removed. docs/how-to/restore.md says how to use its data again.")


if __name__ == "__main__":
    main()
