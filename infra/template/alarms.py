"""Alarms for operators. docs/reference/events-and-metrics.md has the remedies."""

from __future__ import annotations

from chalicelib import config
from chalicelib.domain.delivery_channels import Priority
from chalicelib.observability import NAMESPACE, REFUSED
from infra.template import http_api, receipts, rest_api, workers
from infra.template.queues import MAX_RECEIVES
from infra.template.stage import API, Family, Resource, Stage, camel

MINUTES = 15  # an alarm rings after failures in three of so many minutes
WRITTEN_BY_SENDING = ("messages", "ledger", "lookups", "due")  # tables
# Seconds that a job may wait in its queue. Broadcasts (priority 3) fill theirs for hours.
MAX_AGE = {Priority.HIGH: 120, Priority.MEDIUM: 600, Priority.LOW: 7200}
MAX_REFUSED = 50  # in a minute. People mistype, and bots try addresses, far more seldom.
# The meaning of a function that is ten minutes late in reading its stream.
LAGS = {
    "tally": "Counts lag behind the ledger by more than ten minutes",
    "history": "Lists of messages lag by more than ten minutes",
}
MAX_OVERDUE = 300  # seconds: a timer without a tick waits so long for the scheduled sweep


def resources(stage: Stage) -> Resource:
    alarms: Resource = {}
    for family in (*stage.families, stage.facts):
        alarms |= _of_jobs(family)
    for family in stage.workers:
        alarms |= workers.conditional(_of_jobs(family))
    alarms |= _of_functions(stage) | _of_callers(stage) | _of_sending(stage)
    return alarms | _of_the_stage(stage)


def _of_functions(stage: Stage) -> Resource:
    alarms: Resource = {}
    text = "The API answers with errors of ours"
    alarms["ApiErrorAlarm"] = _count(
        text, "AWS/ApiGateway", "5xx", {"ApiId": {"Ref": "HttpApi"}, "Stage": "$default"}
    )
    rest = {"ApiName": config.api_name(stage.name), "Stage": stage.chalice.api_gateway_stage}
    alarm = _count(text, "AWS/ApiGateway", "5XXError", rest)
    alarms["RestApiErrorAlarm"] = {**alarm, "Condition": rest_api.ON}
    failing = {"FunctionName": config.function_name(stage.name, receipts.NAME)}
    alarm = _count("Receipts fail", "AWS/Lambda", "Errors", failing)
    alarms["ReceiptsErrorAlarm"] = {**alarm, "Condition": receipts.ON}
    for function in stage.functions:
        if function in (API, http_api.CONSOLE):
            continue  # the alarm of 5XX answers covers it
        failing = {"FunctionName": config.function_name(stage.name, function)}
        alarms[f"{camel(function)}ErrorAlarm"] = _count(
            f"{function} fails", "AWS/Lambda", "Errors", failing
        )
    return alarms


def _of_the_stage(stage: Stage) -> Resource:
    alarms: Resource = {}
    for function, text in LAGS.items():
        reader = {"FunctionName": config.function_name(stage.name, function)}
        alarms[f"{camel(function)}LagAlarm"] = _alarm(
            text, "AWS/Lambda", "IteratorAge", reader, above=600_000
        )
    clock = {"StateMachineArn": {"Ref": "Clock"}}
    alarms["ClockAlarm"] = _count(
        "The clock fails", "AWS/States", "ExecutionsFailed", clock, times=1
    )
    ours = {"stage": stage.name}
    text = "Timers wait longer than five minutes"
    alarms["OverdueAlarm"] = _alarm(
        text, NAMESPACE, "oldest_due_seconds", ours, above=MAX_OVERDUE, times=3
    )
    text = "A provider refuses our credentials or settings"
    alarms["MisconfiguredAlarm"] = _count(text, NAMESPACE, "channel_misconfigured", ours, times=1)
    alarms["ReceiptsRefusedAlarm"] = _count(
        "Receipts are refused: their signatures are wrong", NAMESPACE, "webhook_unverified", ours
    )
    alarms["ConcurrencyAlarm"] = _count(
        "The account has no room for more functions at once", "AWS/Lambda", "Throttles", {}
    )
    for table in WRITTEN_BY_SENDING:
        named = {"TableName": config.table_name(stage.name, table)}
        alarms[f"{camel(table)}ThrottleAlarm"] = _count(
            f"Writes of {table} are throttled", "AWS/DynamoDB", "WriteThrottleEvents", named
        )
    return alarms


def _of_sending(stage: Stage) -> Resource:
    ours = {"stage": stage.name}
    alarms: Resource = {}
    text = "A delivery channel submits less than 90 % of its deliveries"
    alarms["ChannelPoorAlarm"] = _count(text, NAMESPACE, "channels_poor", ours, times=1)
    text = "The budget of an access channel runs short, or leaves people out"
    alarms["BudgetAlarm"] = _count(text, NAMESPACE, "budgets_short", ours, times=1)
    return alarms


def _of_callers(stage: Stage) -> Resource:
    ours = {"stage": stage.name}
    alarms: Resource = {}
    text = "Many callers are refused: wrong secrets, roles, or addresses that nobody made"
    alarms["RefusedAccessAlarm"] = _alarm(
        text, NAMESPACE, REFUSED, ours, above=MAX_REFUSED, statistic="Sum"
    )
    text = "Callers are asked to come again, because AWS throttles or does not answer"
    alarms["BusyAlarm"] = _count(text, NAMESPACE, "aws_busy", ours)
    return alarms


def _of_jobs(family: Family) -> Resource:
    alarms: Resource = {}
    text = f"Jobs of {family.name} failed {MAX_RECEIVES} times"
    dead = {"QueueName": {"Fn::GetAtt": [family.dead_letter_id, "QueueName"]}}
    alarms[f"{camel(family.name)}DeadAlarm"] = _alarm(
        text, "AWS/SQS", "ApproximateNumberOfMessagesVisible", dead, above=0
    )
    for priority in family.queues:
        text = f"Jobs of {family.name} with priority {priority.value} wait too long"
        queue = {"QueueName": {"Fn::GetAtt": [family.queue_id(priority), "QueueName"]}}
        alarms[f"{family.queue_id(priority)}AgeAlarm"] = _alarm(
            text,
            "AWS/SQS",
            "ApproximateAgeOfOldestMessage",
            queue,
            above=MAX_AGE[priority],
            times=3,
        )
    return alarms


def _count(
    text: str, namespace: str, metric: str, dimensions: Resource, *, times: int = 3
) -> Resource:
    """Build an alarm for a count of failures.

    One failure alone may be an accident. A scheduled function fails only every few minutes.
    """
    alarm = _alarm(text, namespace, metric, dimensions, above=0, statistic="Sum")
    alarm["Properties"] |= {
        "EvaluationPeriods": MINUTES if times > 1 else 1,
        "DatapointsToAlarm": times,
    }
    return alarm


def _alarm(
    text: str,
    namespace: str,
    metric: str,
    dimensions: Resource,
    *,
    above: int,
    times: int = 1,
    statistic: str = "Maximum",
) -> Resource:
    properties = {
        "AlarmDescription": text,
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Statistic": statistic,
        "Period": 60,
        "EvaluationPeriods": times,
        "Threshold": above,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": {
            "Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]
        },
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}
