"""The alarms of the packaged template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib import config
from chalicelib.observability import NAMESPACE
from infra.package import ROOT
from tests.template.conftest import Resource, of_type, sources

Template = Mapping[str, Any]
Functions = Mapping[str, Resource]


def test_what_failed_too_often_waits_in_a_dead_letter_queue_that_rings(
    template: Template, queues: Functions
) -> None:
    dead = {
        queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        for queue in queues.values()
        if "RedrivePolicy" in queue
    }
    assert dead == {
        logical_id for logical_id, queue in queues.items() if "RedrivePolicy" not in queue
    }
    assert set(_watched(template, "ApproximateNumberOfMessagesVisible")) == dead


def _watched(template: Template, metric: str) -> Iterator[str]:
    """Yield the queues with an alarm for this metric."""
    for _, alarm in of_type(template, "AWS::CloudWatch::Alarm"):
        if alarm["MetricName"] == metric:
            yield from (each["Value"]["Fn::GetAtt"][0] for each in alarm["Dimensions"])


def test_jobs_that_wait_ring_for_every_queue_and_urgent_ones_first(
    template: Template, queues: Functions
) -> None:
    fed = {logical_id for logical_id, queue in queues.items() if "RedrivePolicy" in queue}
    assert fed == set(_watched(template, "ApproximateAgeOfOldestMessage"))
    assert (
        len(fed) == 3 * (len(config.SUPPORTED_CHANNEL_TYPES) + 2) + 3
    )  # imports, callbacks, facts
    seconds = [
        {
            alarm["Threshold"]
            for _, alarm in of_type(template, "AWS::CloudWatch::Alarm")
            if alarm["MetricName"] == "ApproximateAgeOfOldestMessage"
            and alarm["AlarmDescription"].endswith(f"priority {priority} wait too long")
        }
        for priority in (1, 2, 3)
    ]
    assert seconds == [{120}, {600}, {7200}]


def test_alarms_ask_for_metrics_that_the_code_counts_for_this_stage(template: Template) -> None:
    ours = [
        each
        for _, each in of_type(template, "AWS::CloudWatch::Alarm")
        if each["Namespace"] == NAMESPACE
    ]
    sources = "".join(path.read_text() for path in (ROOT / "chalicelib").rglob("*.py"))
    assert {each["MetricName"] for each in ours} == {
        "access_refused",
        "aws_busy",
        "budgets_short",
        "channel_misconfigured",
        "channels_poor",
        "webhook_unverified",
        "oldest_due_seconds",
    }
    for alarm in ours:
        assert f'metric("{alarm["MetricName"]}"' in sources
        assert alarm["Dimensions"] == [{"Name": "stage", "Value": "prod"}]


def test_functions_that_are_late_in_reading_their_streams_ring(
    template: Template, functions: Functions
) -> None:
    late = {
        alarm["Dimensions"][0]["Value"]: alarm["Threshold"]
        for _, alarm in of_type(template, "AWS::CloudWatch::Alarm")
        if alarm["MetricName"] == "IteratorAge"
    }
    readers = {each for each in functions if sources(functions[each], "DynamoDB")}
    assert readers == {"tally", "history"}
    assert late == {config.function_name("prod", reader): 600_000 for reader in readers}


def test_errors_that_the_api_answers_ring_since_its_function_does_not_fail(
    template: Template,
) -> None:
    """Source: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics, and
    api-gateway-metrics-and-dimensions for REST APIs (November 2026)."""
    resources = template["Resources"]
    stage, rest = (resources[name]["Properties"] for name in ("HttpApiStage", "RestAPI"))
    title = rest["DefinitionBody"]["info"]["title"]
    expected = {
        "ApiErrorAlarm": ("5xx", {"ApiId": stage["ApiId"], "Stage": stage["StageName"]}),
        "RestApiErrorAlarm": ("5XXError", {"ApiName": title, "Stage": rest["StageName"]}),
    }
    for name, (metric, dimensions) in expected.items():
        alarm = resources[name]["Properties"]
        assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/ApiGateway", metric)
        assert {each["Name"]: each["Value"] for each in alarm["Dimensions"]} == dimensions


def test_what_fails_on_schedule_rings_though_it_fails_every_five_minutes_only(
    template: Template,
) -> None:
    alarm = template["Resources"]["SweepErrorAlarm"]["Properties"]
    assert alarm["DatapointsToAlarm"] * 5 <= alarm["EvaluationPeriods"] * alarm["Period"] / 60
