"""Queues: one for each priority of a kind of job, and a dead-letter queue for failing jobs."""

from __future__ import annotations

from chalicelib import config
from infra.template.stage import Family, Resource, Stage

MAX_RECEIVES = 8  # of one SQS message, while throttled and deferred jobs are sent anew
VISIBILITY_PER_TIMEOUT = 6  # AWS's advice for queues that feed a function
DAY = 86400


def resources(stage: Stage, family: Family) -> Resource:
    dead = config.dead_letter_queue(family.name)
    redrive = {
        "deadLetterTargetArn": {"Fn::GetAtt": [family.dead_letter_id, "Arn"]},
        "maxReceiveCount": MAX_RECEIVES,
    }
    feeding = {
        "VisibilityTimeout": VISIBILITY_PER_TIMEOUT * family.timeout,
        "RedrivePolicy": redrive,
    }
    dead_letters = {family.dead_letter_id: _queue(stage, dead, days=14)}
    return dead_letters | {
        family.queue_id(priority): _queue(stage, name, days=4, **feeding)
        for priority, name in family.queues.items()
    }


def _queue(stage: Stage, name: str, *, days: int, **more: object) -> Resource:
    properties = {
        "QueueName": config.queue_name(stage.name, name),
        "MessageRetentionPeriod": days * DAY,
        "SqsManagedSseEnabled": True,
    }
    return {
        "Type": "AWS::SQS::Queue",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": properties | more,
    }
