"""The dashboard of a stage in CloudWatch: what rings, how fast and how well it sends.

Source of its format: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/
CloudWatch-Dashboard-Body-Structure (2026-11).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from chalicelib import config
from chalicelib.domain.delivery_channels import Priority
from chalicelib.observability import NAMESPACE
from infra.template.stage import Family, Resource, Stage

ON = "DashboardOn"
SOON = 10  # seconds within which most messages should be with their provider
WIDTH, HEIGHT = 8, 6  # of a widget. A row has 24 columns.
MINUTE = 60

Widget = dict[str, Any]


def resources(stage: Stage, alarms: Resource) -> Resource:
    unconditional = [name for name, alarm in alarms.items() if "Condition" not in alarm]
    graphs = [*_of_sending(stage), *_of_jobs(stage), *_of_aws(stage)]
    placed = [_alarms(unconditional), *_in_rows(graphs)]
    body = json.dumps({"widgets": placed}, separators=(",", ":"))
    properties = {
        "DashboardName": f"{config.APP}-{stage.name}",
        "DashboardBody": {"Fn::Sub": body},
    }
    dashboard = {
        "Type": "AWS::CloudWatch::Dashboard",
        "Condition": ON,
        "Properties": properties,
    }
    return {"StageDashboard": dashboard}


def _alarms(names: Sequence[str]) -> Widget:
    """Return the first row: the state of every alarm."""
    arns = [f"${{{name}.Arn}}" for name in sorted(names)]
    properties = {"title": "Alarms", "alarms": arns}
    return {
        "type": "alarm",
        "x": 0,
        "y": 0,
        "width": 3 * WIDTH,
        "height": HEIGHT,
        "properties": properties,
    }


def _in_rows(graphs: Sequence[Widget]) -> list[Widget]:
    """Place widgets below the alarms, three in a row."""
    return [
        {
            "type": "metric",
            "x": n % 3 * WIDTH,
            "y": (1 + n // 3) * HEIGHT,
            "width": WIDTH,
            "height": HEIGHT,
            "properties": graph,
        }
        for n, graph in enumerate(graphs)
    ]


def _of_sending(stage: Stage) -> list[Widget]:
    after = [
        (NAMESPACE, "submitted_after", "stage", stage.name, "priority", str(priority.value))
        for priority in Priority
    ]
    return [
        _graph(
            f"% of calls with their provider within {SOON} s, by priority",
            [[*metric, {"stat": f"PR(:{SOON})", "label": metric[-1]}] for metric in after],
        ),
        _graph(
            "Seconds until a message of priority 1 is with its provider",
            [[*after[0], {"stat": stat}] for stat in ("p50", "p99")],
        ),
        _graph(
            "Receipts that came early, and found their message",
            [_ours(stage, "receipts_parked"), _ours(stage, "receipts_matched")],
        ),
        _graph("ms that providers take (p99)", [_by_channel(stage, "provider_ms", "p99")]),
        _graph("Share of calls that fail", [_by_channel(stage, "provider_errors", "Average")]),
        _graph(
            "Providers that refuse our settings, and receipts without a valid signature",
            [_ours(stage, "channel_misconfigured"), _ours(stage, "webhook_unverified")],
        ),
    ]


def _of_jobs(stage: Stage) -> list[Widget]:
    families = stage.families
    ages = [
        _graph(
            f"Seconds that the oldest job waits, priority {priority.value}",
            [_age(family, priority) for family in families if priority in family.queues],
            stat="Maximum",
        )
        for priority in Priority
    ]
    jobs = ("job_failed", "jobs_paced", "jobs_over_quota", "jobs_without_permit")
    return [
        *ages,
        _graph("Jobs that wait or failed", [_ours(stage, name) for name in jobs]),
        _graph(
            "Dead letters",
            [
                _queue(family.dead_letter_id, "ApproximateNumberOfMessagesVisible", family.name)
                for family in families
            ],
            stat="Maximum",
        ),
        _graph(
            "Seconds that the oldest timer is overdue",
            [_ours(stage, "oldest_due_seconds")],
            stat="Maximum",
        ),
    ]


def _of_aws(stage: Stage) -> list[Widget]:
    api = ("AWS/ApiGateway", "ApiId", "${HttpApi}")
    functions = [config.function_name(stage.name, name) for name in stage.functions]
    tables = [config.table_name(stage.name, table) for table in config.TABLES]
    return [
        _graph(
            "Requests of the API, and those refused (4xx) and failed (5xx)",
            [[api[0], name, *api[1:]] for name in ("Count", "4xx", "5xx")],
        ),
        _graph(
            "ms of the API",
            [[api[0], "Latency", *api[1:], {"stat": stat}] for stat in ("p50", "p99")],
        ),
        _graph("Callers refused", [_ours(stage, "access_refused")]),
        _graph(
            "Functions that run at once",
            [["AWS/Lambda", "ConcurrentExecutions", "FunctionName", name] for name in functions],
            stat="Maximum",
        ),
        _graph(
            "Functions that fail",
            [["AWS/Lambda", "Errors", "FunctionName", name] for name in functions],
        ),
        _graph(
            "Write units of tables",
            [["AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", name] for name in tables],
        ),
    ]


def _ours(stage: Stage, name: str) -> list[Any]:
    return [NAMESPACE, name, "stage", stage.name]


def _by_channel(stage: Stage, name: str, stat: str) -> list[Any]:
    """Return a line for each delivery channel that has been used."""
    found = f'{{{NAMESPACE},channel,stage}} MetricName="{name}" stage="{stage.name}"'
    # `!`: Fn::Sub leaves what follows to CloudWatch
    label = "${!PROP('Dim.channel')}"
    return [{"expression": f"SEARCH('{found}', '{stat}', {MINUTE})", "label": label}]


def _age(family: Family, priority: Priority) -> list[Any]:
    name = "ApproximateAgeOfOldestMessage"
    return _queue(family.queue_id(priority), name, family.name)


def _queue(logical_id: str, metric: str, label: str) -> list[Any]:
    named = f"${{{logical_id}.QueueName}}"
    return ["AWS/SQS", metric, "QueueName", named, {"label": label}]


def _graph(title: str, metrics: Sequence[list[Any]], stat: str = "Sum") -> Widget:
    return {
        "title": title,
        "region": "${AWS::Region}",
        "view": "timeSeries",
        "period": MINUTE,
        "stat": stat,
        "metrics": list(metrics),
    }
