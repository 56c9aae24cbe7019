"""Look behind a stage's API, where there are AWS credentials: at the clock and the timers."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from botocore.exceptions import BotoCoreError

from chalicelib import config
from chalicelib.aws.timers import SHARDS
from infra.local.deployment import local_aws
from infra.smoke_target import CLOCK, Clock, Failed, Target, eventually
from infra.stacks import DeploymentFailed, aws

OVERDUE = 300  # seconds: a timer without a tick waits so long for the scheduled sweep


def session_of(target: Target, opened: contextlib.ExitStack) -> Any:
    """Return a session for the stage's account, or None without credentials."""
    if "emulator_url" in target.local:
        return opened.enter_context(local_aws(target.local["emulator_url"]))
    try:
        session = aws()
        return session if session.get_credentials() else None
    except (DeploymentFailed, BotoCoreError):
        return None


def tick_succeeded(
    session: Any, stage: str, begun: float, patience: float, clock: Clock = CLOCK
) -> str:
    """Wait for a tick that a function has started since `begun`, and that has swept."""
    states = session.client("stepfunctions")
    name = config.clock_name(stage)
    machines = states.get_paginator("list_state_machines").paginate()
    arns = [
        machine["stateMachineArn"]
        for page in machines
        for machine in page["stateMachines"]
        if machine["name"] == name
    ]
    if not arns:
        raise Failed(
            f"no {name} in {session.region_name}: these AWS credentials are not the stage's"
        )

    def ended() -> dict[str, Any] | None:
        executions = states.list_executions(
            stateMachineArn=arns[0], statusFilter="SUCCEEDED", maxResults=100
        )["executions"]
        since = [
            execution for execution in executions if execution["startDate"].timestamp() >= begun
        ]
        return since[0] if since else None

    return str(eventually(ended, patience, f"a tick of {name}", clock)["name"])


def no_timer_is_overdue(session: Any, stage: str, patience: float, clock: Clock = CLOCK) -> str:
    dynamodb, table = session.client("dynamodb"), config.table_name(stage, "due")

    def none_is_overdue() -> dict[str, Any] | None:
        before = f"{round((time.time() - OVERDUE) * 1000):013d}"
        for shard in range(SHARDS):
            rows = dynamodb.query(
                TableName=table,
                KeyConditionExpression="#shard = :shard AND due < :before",
                ExpressionAttributeNames={"#shard": "shard"},
                ExpressionAttributeValues={":shard": {"N": str(shard)}, ":before": {"S": before}},
                Limit=1,
            )["Items"]
            if rows:
                return None
        return {}

    eventually(none_is_overdue, patience, f"no row of {table} is overdue", clock)
    return f"no timer has waited {OVERDUE} s"
