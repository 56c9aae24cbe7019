"""Wake-ups of stored requests: one-time schedules of EventBridge Scheduler, named by their times.

A name that exists already counts as success, so that a repeat changes nothing. A wake-up that came
is deleted by the service. It comes in the minute after its time.
Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html (November 2026)
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from chalicelib.aws.clients import client, error_code
from chalicelib.config import schedule_group, settings

# What cannot be handed to the function for so long is found by the request's timer.
RETRY = {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 60}


class Wakeups:
    """Implements ports.Wakeups."""

    def set(self, id: str, at: int) -> None:
        from botocore.exceptions import ClientError

        stage, time = settings(), datetime.fromtimestamp(_second(at), UTC)
        target = {
            "Arn": stage.wakeups_arn,
            "RoleArn": stage.wakeups_role,
            "Input": json.dumps({"id": id}),
            "RetryPolicy": RETRY,
        }
        try:
            client("scheduler").create_schedule(
                Name=_name(id, at),
                GroupName=schedule_group(stage.stage),
                ScheduleExpression=f"at({time:%Y-%m-%dT%H:%M:%S})",
                ScheduleExpressionTimezone="UTC",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target=target,
            )
        except ClientError as error:
            if error_code(error) != "ConflictException":
                raise

    def cancel(self, id: str, at: int) -> None:
        from botocore.exceptions import ClientError

        try:
            client("scheduler").delete_schedule(
                Name=_name(id, at), GroupName=schedule_group(settings().stage)
            )
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise


def _second(at: int) -> int:
    """Round up: a wake-up must not come before its time."""
    return -(-at // 1000)


def _name(id: str, at: int) -> str:
    """Return at most 64 characters of [0-9A-Za-z-_.]."""
    return f"{id}-{_second(at)}"
