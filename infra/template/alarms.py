"""Alarms: what an operator must hear of (docs/operations.md says what to do then)."""

from __future__ import annotations

from chalicelib import config
from chalicelib.domain.channels import Priority
from infra.template import workers
from infra.template.queues import MAX_RECEIVES
from infra.template.stage import Family, Resource, Stage, camel


def resources(stage: Stage) -> Resource:
    alarms: Resource = {}
    for family in stage.families:
        alarms |= _of_jobs(family)
    for family in stage.workers:
        alarms |= workers.conditional(_of_jobs(family))
    for function in stage.functions:
        own = {"FunctionName": config.function_name(stage.name, function)}
        alarms[f"{camel(function)}ErrorAlarm"] = _alarm(f"{function} fails", "AWS/Lambda", "Errors", own, above=0, times=3, statistic="Sum")
    tally = {"FunctionName": config.function_name(stage.name, "tally")}
    text = "Counts lag behind the ledger by more than ten minutes"
    alarms["TallyLagAlarm"] = _alarm(text, "AWS/Lambda", "IteratorAge", tally, above=600_000)
    clock = {"StateMachineArn": {"Ref": "Clock"}}
    alarms["ClockAlarm"] = _alarm("The clock fails", "AWS/States", "ExecutionsFailed", clock, above=0, statistic="Sum")
    return alarms


def _of_jobs(family: Family) -> Resource:
    alarms: Resource = {}
    text = f"Jobs of {family.name} failed {MAX_RECEIVES} times"
    dead = {"QueueName": {"Fn::GetAtt": [family.dead_letter_id, "QueueName"]}}
    alarms[f"{camel(family.name)}DeadAlarm"] = _alarm(text, "AWS/SQS", "ApproximateNumberOfMessagesVisible", dead, above=0)
    if Priority.HIGH in family.queues:
        text = f"Urgent jobs of {family.name} wait longer than two minutes"
        urgent = {"QueueName": {"Fn::GetAtt": [family.queue_id(Priority.HIGH), "QueueName"]}}
        alarms[f"{camel(family.name)}AgeAlarm"] = _alarm(text, "AWS/SQS", "ApproximateAgeOfOldestMessage", urgent, above=120, times=3)
    return alarms


def _alarm(
    text: str, namespace: str, metric: str, dimensions: Resource, *, above: int, times: int = 1, statistic: str = "Maximum"
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
        "AlarmActions": {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]},
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}
