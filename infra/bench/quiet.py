"""The wait for quiet on a stack: the clock has stopped, and queues and counts are still.

It queries SQS and Step Functions only, so that the counted units of DynamoDB are the functions'.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import requests

from chalicelib.config import clock_name, function_name
from infra.bench.figures import by_service
from infra.local.deployment import local_aws

STILL = 7.0  # seconds without a change: longer than the batching windows of streams
IDLE = ("-", "poll")  # callers outside of functions, and the function that a schedule runs
WAITING = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


def counted(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return the emulator's counts of the functions."""
    url = description["emulator_url"] + "/_openums/counts"
    return of_functions(requests.get(url, timeout=10).json())


def of_functions(counts: Mapping[str, Any]) -> dict[str, Any]:
    """Return counts without the requests of this process.

    The function that runs each minute, however little is sent, is left out too.
    """
    by_caller = counts["by_caller"]
    callers = {caller: services for caller, services in by_caller.items() if caller not in IDLE}
    functions = {name: f for name, f in counts["lambda"].items() if name not in IDLE}
    return {
        **counts,
        "by_caller": callers,
        "requests": by_service(callers.values()),
        "lambda": functions,
    }


def wait(description: Mapping[str, Any], seconds: float) -> None:
    """Wait until the last tick, check and recount are done."""
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
    """Sweep as the schedule does every few minutes: it takes up rows that have lost their tick."""
    with local_aws(description["emulator_url"]) as session:
        name = function_name(description["stage"], "sweep")
        session.client("lambda").invoke(
            FunctionName=name, Payload=json.dumps({"by": "schedule"}).encode()
        )


def _ticks(session: Any, description: Mapping[str, Any]) -> bool:
    states = session.client("stepfunctions")
    machines = states.list_state_machines()["stateMachines"]
    name = clock_name(description["stage"])
    clock = next(machine["stateMachineArn"] for machine in machines if machine["name"] == name)
    return bool(states.list_executions(stateMachineArn=clock, statusFilter="RUNNING")["executions"])


def _queued(session: Any) -> bool:
    sqs = session.client("sqs")
    for url in sqs.list_queues().get("QueueUrls", []):
        if not url.endswith("-dead"):
            answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(WAITING))
            if any(int(number) for number in answer["Attributes"].values()):
                return True
    return False
