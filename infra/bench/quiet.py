"""When nothing is left to do on a stack: no tick of the clock to come, nothing in a queue, nothing being counted.

Asks SQS and Step Functions only, so that the units of DynamoDB that are counted stay those of the functions.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import requests

from chalicelib.config import clock_name, function_name
from infra.local.deployment import local_aws

STILL = 3.0  # seconds without a change
WAITING = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


def counted(description: Mapping[str, Any]) -> dict[str, Any]:
    """What the emulator has counted of the functions; what this process asked for is left out."""
    found: dict[str, Any] = requests.get(
        description["emulator_url"] + "/_openums/counts", timeout=10
    ).json()
    callers = {caller: services for caller, services in found["by_caller"].items() if caller != "-"}
    by_service: dict[str, dict[str, int]] = {}
    for services in callers.values():
        for service, operations in services.items():
            mine = by_service.setdefault(service, {})
            for operation, number in operations.items():
                mine[operation] = mine.get(operation, 0) + number
    return {**found, "by_caller": callers, "requests": by_service}


def wait(description: Mapping[str, Any], seconds: float) -> None:
    """Until the last tick, look and recount are done."""
    end, still = time.monotonic() + seconds, time.monotonic()
    last = counted(description)
    with local_aws(description["emulator_url"]) as session:
        while time.monotonic() - still < STILL:
            if time.monotonic() > end:
                raise SystemExit(f"bench: not quiet within {seconds:.0f} s")
            time.sleep(1)
            now = counted(description)
            if now != last or _ticks(session, description) or _queued(session):
                still = time.monotonic()
            last = now


def sweep(description: Mapping[str, Any]) -> None:
    """What the schedule does every few minutes: rows without a tick of their own are taken up."""
    with local_aws(description["emulator_url"]) as session:
        name = function_name(description["stage"], "sweep")
        session.client("lambda").invoke(
            FunctionName=name, Payload=json.dumps({"by": "schedule"}).encode()
        )


def _ticks(session: Any, description: Mapping[str, Any]) -> bool:
    states = session.client("stepfunctions")
    machines = states.list_state_machines()["stateMachines"]
    clock = next(
        m["stateMachineArn"] for m in machines if m["name"] == clock_name(description["stage"])
    )
    return bool(states.list_executions(stateMachineArn=clock, statusFilter="RUNNING")["executions"])


def _queued(session: Any) -> bool:
    sqs = session.client("sqs")
    urls = [url for url in sqs.list_queues().get("QueueUrls", []) if not url.endswith("-dead")]
    every = (
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(WAITING))["Attributes"]
        for url in urls
    )
    return any(int(number) for found in every for number in found.values())
