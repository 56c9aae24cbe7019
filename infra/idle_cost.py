"""What a deployed stage costs when nothing is sent: `python -m infra.idle_cost --stage prod`, computed from its template.

Prices of us-east-1 in dollars, looked up in November 2026; without the free tier.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.package import AWS, package_apart

MINUTES = 60 * 24 * 30
POLLERS = (
    5  # that Lambda keeps at a queue of which nothing comes, each waiting up to 20 s for a message
)
PER_SQS_REQUEST = 0.40e-6
PER_KEY = 1.00
PER_ALARM = 0.10
PER_METRIC = 0.30
METRICS = 1  # of our own that are written when nothing is sent: oldest_due_seconds
PER_INVOCATION = 0.20e-6
PER_GB_SECOND = 0.0000133334  # arm64
SECONDS_OF_A_CHECK = 0.1  # a scheduled function that finds nothing to do


@dataclass(frozen=True)
class Item:
    what: str
    number: int
    dollars: float  # a month, all of them


def idle_cost(template: Mapping[str, Any]) -> list[Item]:
    # What a condition switches on exists only where an operator wants it.
    resources = [each for each in template["Resources"].values() if "Condition" not in each]
    functions = [
        each["Properties"] for each in resources if each["Type"] == "AWS::Serverless::Function"
    ]
    events = [
        (function, event) for function in functions for event in function.get("Events", {}).values()
    ]
    queues = sum(event["Type"] == "SQS" for _, event in events)
    keys = sum(each["Type"] == "AWS::KMS::Key" for each in resources)
    alarms = sum(each["Type"] == "AWS::CloudWatch::Alarm" for each in resources)
    runs = [
        (function, _runs(event["Properties"]["Schedule"]))
        for function, event in events
        if event["Type"] == "Schedule"
    ]
    gigabyte_seconds = sum(
        times * SECONDS_OF_A_CHECK * function["MemorySize"] / 1024 for function, times in runs
    )
    invocations = sum(times for _, times in runs)
    return [
        Item(
            "event sources that wait at queues",
            queues,
            queues * POLLERS * 3 * MINUTES * PER_SQS_REQUEST,
        ),
        Item("keys", keys, keys * PER_KEY),
        Item("alarms", alarms, alarms * PER_ALARM),
        Item("metrics", METRICS, METRICS * PER_METRIC),
        Item(
            "scheduled invocations",
            invocations,
            invocations * PER_INVOCATION + gigabyte_seconds * PER_GB_SECOND,
        ),
    ]


def _runs(schedule: str) -> int:
    """A month, of `rate(5 minutes)`."""
    return MINUTES // int(schedule.removeprefix("rate(").split()[0])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stage", default="prod")
    stage = parser.parse_args().stage
    items = idle_cost(json.loads((package_apart(stage, AWS) / "sam.json").read_text()))
    for item in items:
        print(f"{item.what:36} {item.number:6}  ${item.dollars:6.2f}")
    print(f"{'a month':43}  ${sum(item.dollars for item in items):6.2f}")


if __name__ == "__main__":
    main()
