"""Functions: what Chalice has no option for, their environment, event sources and logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from chalicelib import config
from chalicelib.domain.delivery_channels import ChannelType
from infra.template import workers
from infra.template.stage import Family, Resource, Stage, camel, logical_id

STREAM_BATCH = 100
LOG_DAYS = 30

SWEEP_SCHEDULE = (
    "rate(5 minutes)"  # finds what a crash left behind; the clock does the punctual work
)
POLL_SCHEDULE = "rate(1 minute)"

MISSING = {"Ref": "AWS::NoValue"}

# Who calls the providers, which may let in known addresses only: those of a NAT gateway. Elsewhere Lambda calls from any address.
SUBNETS = {
    "SubnetIds": {"Ref": "DeliverySubnets"},
    "SecurityGroupIds": {"Ref": "DeliverySecurityGroups"},
}


def resources(stage: Stage) -> Resource:
    found: Resource = {}
    for channel_type in stage.channel_types:
        found[f"{camel(config.deliver_function(channel_type))}Role"] = _delivery_role(
            stage, channel_type
        )
    for function in stage.functions:
        found[logical_id(function)] = _function(stage, function)
        found[f"{logical_id(function)}Logs"] = _log_group(stage, function)
    return found


def outside_china(value: object, otherwise: object = MISSING) -> Resource:
    """What Lambda does not know there: https://docs.amazonaws.cn/en_us/aws/latest/userguide/lambda.html"""
    return {"Fn::If": ["InChina", otherwise, value]}


def _function(stage: Stage, function: str) -> Resource:
    properties: Resource = {
        "FunctionName": config.function_name(stage.name, function),
        "Environment": {"Variables": environment(stage)},
        "LoggingConfig": {"LogGroup": {"Ref": f"{logical_id(function)}Logs"}},
        "Tracing": outside_china("Active", "PassThrough"),
    }
    for family in stage.families:
        if family.function == function:
            properties["Events"] = dict(_event_sources(stage, family))
            # It puts jobs on the queue it is fed from: Lambda ends such a chain after some 16 hops unless told that it is meant.
            # Each job carries a hop counter of its own.
            properties["RecursiveLoop"] = outside_china("Allow")
    if function in {config.deliver_function(each) for each in stage.channel_types}:
        properties["VpcConfig"] = {"Fn::If": ["HasDeliverySubnets", SUBNETS, MISSING]}
    if function == "tally":
        properties["Events"] = _ledger_stream()
    if function == "sweep":
        properties["Events"] = _schedule("SweepSchedule", SWEEP_SCHEDULE)
    if function == "poll":
        properties["Events"] = _schedule("PollSchedule", POLL_SCHEDULE)
    return {"Properties": properties}


def _delivery_role(stage: Stage, channel_type: ChannelType) -> Resource:
    """The policy of the family, for the queues of one channel type: `${ChannelType}` in the file is ours, not CloudFormation's."""
    function = config.deliver_function(channel_type)
    file = (
        Path(stage.chalice.project_dir)
        / ".chalice"
        / stage.chalice.scope(stage.name, function).iam_policy_file
    )
    document = json.loads(file.read_text().replace("${ChannelType}", channel_type.value))
    return {
        "Properties": {
            "Policies": [{"PolicyName": f"{camel(function)}RolePolicy", "PolicyDocument": document}]
        }
    }


def environment(stage: Stage) -> Resource:
    """What chalicelib/config.py reads, beside the plain values of .chalice/config.json.

    The clock is named, not referred to: it starts the function `sweep`, which has this environment too.
    """
    clock = (
        "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:"
        + config.clock_name(stage.name)
    )
    leases = {stage.timeout(config.deliver_function(each)) for each in stage.channel_types}
    return {
        "STAGE": stage.name,
        "PUBLIC_URL": public_url(stage),
        "QUEUE_URL_PREFIX": {
            "Fn::Sub": "https://sqs.${AWS::Region}.${AWS::URLSuffix}/${AWS::AccountId}/"
        },
        "CLOCK_ARN": {"Fn::Sub": clock},
        "KMS_KEY": {"Fn::GetAtt": ["SealingKey", "Arn"]},
        "FILES_BUCKET": {"Ref": "FilesBucket"},
        "EGRESS_ALLOW": {"Ref": "EgressAllow"},
        "LEASE": str(max(leases, default=60)),
        "WORKERS": {"Fn::If": [workers.ON, workers.CMPP, ""]} if stage.workers else "",
    }


def public_url(stage: Stage) -> Resource:
    own = (
        "https://${RestAPI}.execute-api.${AWS::Region}.${AWS::URLSuffix}/"
        + stage.chalice.api_gateway_stage
    )
    return {"Fn::If": ["HasPublicUrl", {"Ref": "PublicUrl"}, {"Fn::Sub": own}]}


def _event_sources(stage: Stage, family: Family) -> Iterator[tuple[str, Resource]]:
    """One per priority, each with its own concurrency, so that small things never wait for big ones.

    Chalice wrote the first; what it has no option for is added.
    """
    for priority in family.queues:
        first = priority is next(iter(family.queues))
        name = f"{camel(family.function)}SqsEventSource" if first else f"Priority{priority.value}"
        properties = {
            "Queue": {"Fn::Sub": f"${{{family.queue_id(priority)}.Arn}}"},
            "BatchSize": family.batch_size,
            "MaximumBatchingWindowInSeconds": 0,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": stage.concurrency(priority)},
        }
        yield name, {"Type": "SQS", "Properties": properties}


def _ledger_stream() -> Resource:
    """Inserts only, and of those only what changes a chunk's counts. What fails for good is kept in the bucket of files."""
    counted = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"tally": {"N": ["1"]}}}}
    properties = {
        "Stream": {"Fn::GetAtt": ["LedgerTable", "StreamArn"]},
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": STREAM_BATCH,
        "MaximumBatchingWindowInSeconds": 1,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 8,
        "MaximumRecordAgeInSeconds": 6 * 3600,
        "DestinationConfig": {
            "OnFailure": outside_china({"Destination": {"Fn::GetAtt": ["FilesBucket", "Arn"]}})
        },
        "FilterCriteria": {"Filters": [{"Pattern": json.dumps(counted)}]},
    }
    return {"TallyDynamodbEventSource": {"Type": "DynamoDB", "Properties": properties}}


def _schedule(name: str, rate: str) -> Resource:
    properties = {"Schedule": rate, "Input": json.dumps({"by": "schedule"})}
    return {name: {"Type": "Schedule", "Properties": properties}}


def _log_group(stage: Stage, function: str) -> Resource:
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
