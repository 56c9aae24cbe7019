"""The monthly cost of an idle stage, from its template: `python -m infra.idle_cost --stage prod`.

Prices are those of us-east-1 in dollars, looked up in November 2026, without the free tier.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.package import AWS, package_apart
from infra.template import dashboard

MINUTES = 60 * 24 * 30
POLLERS = 5  # of Lambda at an empty queue, with a wait of up to 20 s for each request
PER_SQS_REQUEST = 0.40e-6
PER_KEY = 1.00
PER_ALARM = 0.10
PER_METRIC = 0.30
PER_DASHBOARD = 3.00
METRICS = 1  # of our own that are written when nothing is sent: oldest_due_seconds
PER_INVOCATION = 0.20e-6
PER_GB_SECOND = 0.0000133334  # arm64
SECONDS_OF_A_CHECK = 0.1  # of an idle scheduled function


@dataclass(frozen=True)
class Item:
    what: str
    number: int
    dollars: float  # per month, for the whole number


def idle_cost(template: Mapping[str, Any]) -> list[Item]:
    resources = _always_there(template)
    types = Counter(resource["Type"] for resource in resources)
    keys, alarms = types["AWS::KMS::Key"], types["AWS::CloudWatch::Alarm"]
    dashboards = types["AWS::CloudWatch::Dashboard"]
    queues = invocations = 0
    scheduled = 0.0
    for resource in resources:
        if resource["Type"] == "AWS::Serverless::Function":
            function = resource["Properties"]
            events = function.get("Events", {}).values()
            queues += sum(event["Type"] == "SQS" for event in events)
            schedules = [
                event["Properties"]["Schedule"] for event in events if event["Type"] == "Schedule"
            ]
            runs = sum(map(_runs, schedules))
            seconds = runs * SECONDS_OF_A_CHECK
            invocations += runs
            scheduled += runs * PER_INVOCATION
            scheduled += seconds * function["MemorySize"] / 1024 * PER_GB_SECOND
    polls = queues * POLLERS * 3 * MINUTES
    return [
        Item("event sources that wait at queues", queues, polls * PER_SQS_REQUEST),
        Item("keys", keys, keys * PER_KEY),
        Item("alarms", alarms, alarms * PER_ALARM),
        Item("dashboards", dashboards, dashboards * PER_DASHBOARD),
        Item("metrics", METRICS, METRICS * PER_METRIC),
        Item("scheduled invocations", invocations, scheduled),
    ]


def _always_there(template: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the resources of a stage with the template's defaults."""
    # Others exist only if an operator turns them on. The dashboard is on by default.
    return [
        resource
        for resource in template["Resources"].values()
        if resource.get("Condition") in (None, dashboard.ON)
    ]


def _runs(schedule: str) -> int:
    """Return the runs in a month of a schedule like `rate(5 minutes)`."""
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
