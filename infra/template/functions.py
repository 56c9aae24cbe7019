"""Functions: their environment, event sources, logs, and properties that Chalice lacks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from chalicelib import config
from chalicelib.domain.delivery_channels import ChannelType, Priority
from infra.template import facts, http_api, receipts, ses, workers
from infra.template.stage import API, WINDOW, Family, Resource, Stage, camel, logical_id

CHANGING = ("go", "answer", "facts")
STREAM_BATCH = 500  # records that share their writes
# Ledger items that change counts or figures. Records of calls and waits change none.
COUNTED = {"Keys": {"sk": {"S": ["plan", *({"prefix": f"{kind}#"} for kind in CHANGING)]}}}
# Ledger items of messages with callbacks. The value is the channel key.
REPORTED = {"NewImage": {"callbacks": {"S": [{"exists": True}]}}}
NEW_MESSAGES = {"Keys": {"sk": {"S": ["message"]}}}
LOG_DAYS = 30

SWEEP_SCHEDULE = "rate(5 minutes)"  # for rows left by a crash, while the clock works punctually
POLL_SCHEDULE = "rate(1 minute)"

MISSING = {"Ref": "AWS::NoValue"}

# Lambda decides what to trace: a request a second of each function, and 5 % of the others.
TRACING = {"Fn::If": ["TracingOn", "Active", "PassThrough"]}

CALLBACKS = config.callbacks_queue()  # also the name of the function

# The network of functions that call providers or senders. Some admit only known addresses: those of
# a NAT gateway.
# Outside of subnets, Lambda calls from any address.
SUBNETS = {
    "SubnetIds": {"Ref": "DeliverySubnets"},
    "SecurityGroupIds": {"Ref": "DeliverySecurityGroups"},
}


def resources(stage: Stage) -> Resource:
    resources: Resource = {}
    for channel_type in stage.channel_types:
        role = f"{camel(config.deliver_function(channel_type))}Role"
        resources[role] = _delivery_role(stage, channel_type)
    resources["ConsoleRole"] = _console_role(stage)
    for function in stage.functions:
        resources[logical_id(function)] = _function(stage, function)
        resources[f"{logical_id(function)}Logs"] = log_group(stage, function)
    return resources


def outside_china(value: object, otherwise: object = MISSING) -> Resource:
    """Return a property that Lambda lacks in China.

    Source: https://docs.amazonaws.cn/en_us/aws/latest/userguide/lambda.html
    """
    return {"Fn::If": ["InChina", otherwise, value]}


def _function(stage: Stage, function: str) -> Resource:
    variables = environment(stage)
    if function in (API, http_api.CONSOLE):
        variables["RECEIPTS_URL"] = receipts.url()
    properties: Resource = {
        "FunctionName": config.function_name(stage.name, function),
        "Runtime": stage.runtime,  # Chalice would take that of whoever packages
        "Environment": {"Variables": variables},
        "LoggingConfig": logging_config(f"{logical_id(function)}Logs"),
        "Tracing": TRACING,
    }
    families = [f for f in (*stage.families, stage.facts) if f.function == function]
    for family in families:
        properties["Events"] = dict(_event_sources(stage, family))
    if function == facts.NAME:
        properties |= facts.function()
    elif families:
        # The function puts jobs on its own queue. Lambda ends such a chain after some 16
        # hops unless it is allowed. Every job carries its own counter of hops.
        properties["RecursiveLoop"] = outside_china("Allow")
    if function in {*map(config.deliver_function, stage.channel_types), CALLBACKS}:
        properties["VpcConfig"] = {"Fn::If": ["HasDeliverySubnets", SUBNETS, MISSING]}
    if function in ("tally", "history", "sweep", "poll"):
        properties["Events"] = _events(function)
    return {"Properties": properties}


def _events(function: str) -> Resource:
    """Build the event source of a function without a queue: a stream or a schedule."""
    if function == "tally":
        return _inserts(function, "LedgerTable", (COUNTED, REPORTED))
    if function == "history":
        return _inserts(function, "MessagesTable", (NEW_MESSAGES,))
    if function == "sweep":
        return _schedule("SweepSchedule", SWEEP_SCHEDULE)
    return _schedule("PollSchedule", POLL_SCHEDULE)


def _delivery_role(stage: Stage, channel_type: ChannelType) -> Resource:
    """Build the role of a delivery function, for the queues of its channel type.

    `${ChannelType}` in the policy's file is filled in here, not by CloudFormation.
    """
    function = config.deliver_function(channel_type)
    name = stage.chalice.scope(stage.name, function).iam_policy_file
    file = Path(stage.chalice.project_dir) / ".chalice" / name
    document = json.loads(file.read_text().replace("${ChannelType}", channel_type.value))
    policy = {"PolicyName": f"{camel(function)}RolePolicy", "PolicyDocument": document}
    return {"Properties": {"Policies": [policy]}}


def _console_role(stage: Stage) -> Resource:
    """Build the role of the console. It may do what the API may, and writes logs of its own."""
    document = stage.policy_of_the_api(http_api.CONSOLE)
    policy = {"PolicyName": "ConsoleRolePolicy", "PolicyDocument": document}
    return {"Properties": {"Policies": [policy]}}


def environment(stage: Stage) -> Resource:
    """Build the variables for chalicelib/config.py, beside the values of .chalice/config.json.

    The clock and the function of wake-ups are named, not referenced. Functions that they start have
    these variables too, so that a reference would close a circle.
    """
    clock = (
        "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:"
        + config.clock_name(stage.name)
    )
    here = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"
    queues = "https://sqs.${AWS::Region}.${AWS::URLSuffix}/${AWS::AccountId}/"
    leases = {stage.timeout(config.deliver_function(type_)) for type_ in stage.channel_types}
    return {
        "STAGE": stage.name,
        "PUBLIC_URL": public_url(),
        "QUEUE_URL_PREFIX": {"Fn::Sub": queues},
        "CLOCK_ARN": {"Fn::Sub": clock},
        "WAKEUPS_ARN": {"Fn::Sub": here + config.function_name(stage.name, "schedules")},
        "WAKEUPS_ROLE": {"Fn::GetAtt": ["WakeUpsRole", "Arn"]},
        "KMS_KEY": {"Fn::GetAtt": ["SealingKey", "Arn"]},
        "MAILS_BY_ROLE": {"Fn::If": [ses.ON, "on", ""]},
        "FILES_BUCKET": {"Ref": "FilesBucket"},
        "FACTS_BUCKET": facts.BUCKET,
        # The SDK is not even imported where nothing is traced.
        "AWS_XRAY_SDK_ENABLED": {"Fn::If": ["TracingOn", "true", "false"]},
        "EGRESS_ALLOW": {"Ref": "EgressAllow"},
        "SANDBOX_URL": {"Ref": "SandboxUrl"},
        "LOG_SOURCES": {"Ref": "LogSources"},
        "LEASE": str(max(leases, default=60)),
        "CONCURRENCY": ",".join(str(stage.concurrency(priority)) for priority in Priority),
        "WORKERS": {"Fn::If": [workers.ON, workers.CMPP, ""]} if stage.workers else "",
    }


def public_url() -> Resource:
    return {"Fn::If": ["HasPublicUrl", {"Ref": "PublicUrl"}, http_api.url()]}


def _event_sources(stage: Stage, family: Family) -> Iterator[tuple[str, Resource]]:
    """Yield an event source for each priority, so that small jobs never wait for big ones.

    Each source has its own concurrency. Chalice writes the first source, which gets further
    properties here.
    """
    for priority in family.queues:
        first = priority is next(iter(family.queues))
        name = f"{camel(family.function)}SqsEventSource" if first else f"Priority{priority.value}"
        properties = {
            "Queue": {"Fn::Sub": f"${{{family.queue_id(priority)}.Arn}}"},
            "BatchSize": family.batch(priority),
            "MaximumBatchingWindowInSeconds": family.window,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {
                "MaximumConcurrency": family.concurrency or stage.concurrency(priority)
            },
        }
        yield name, {"Type": "SQS", "Properties": properties}


def _inserts(function: str, table: str, patterns: Sequence[Resource]) -> Resource:
    """Build the event source for those inserts into a table that match one of the patterns.

    Records that fail for good are kept in the bucket of files.
    """
    inserts = [{"eventName": ["INSERT"], "dynamodb": pattern} for pattern in patterns]
    properties = {
        "Stream": {"Fn::GetAtt": [table, "StreamArn"]},
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": STREAM_BATCH,
        "MaximumBatchingWindowInSeconds": WINDOW,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 8,
        "MaximumRecordAgeInSeconds": 6 * 3600,
        "DestinationConfig": {
            "OnFailure": outside_china({"Destination": {"Fn::GetAtt": ["FilesBucket", "Arn"]}})
        },
        "FilterCriteria": {"Filters": [{"Pattern": json.dumps(insert)} for insert in inserts]},
    }
    name = f"{camel(function)}DynamodbEventSource"
    return {name: {"Type": "DynamoDB", "Properties": properties}}


def _schedule(name: str, rate: str) -> Resource:
    properties = {"Schedule": rate, "Input": json.dumps({"by": "schedule"})}
    return {name: {"Type": "Schedule", "Properties": properties}}


def logging_config(log_group: str) -> Resource:
    """Build the configuration of a function's logs, without Lambda's lines START, END and REPORT.

    They would make up most of what a small invocation logs. Durations are metrics besides.
    """
    return {
        "LogGroup": {"Ref": log_group},
        "LogFormat": "JSON",
        "SystemLogLevel": "WARN",
        "ApplicationLogLevel": "INFO",
    }


def log_group(stage: Stage, function: str) -> Resource:
    properties = {
        "LogGroupName": f"/aws/lambda/{config.function_name(stage.name, function)}",
        "RetentionInDays": LOG_DAYS,
    }
    return {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Retain",
        "Properties": properties,
    }
