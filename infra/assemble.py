"""Everything of the template that Chalice does not write, as the one file that `chalice package --merge-template` takes.

By hand: infra/resources.yaml. Generated here from chalicelib/config.py, so that code and deployment cannot disagree: names, the
environment, queues per channel type and priority with their dead-letter queues and event sources, throttles and alarms.

Chalice merges dicts deeply and replaces lists. What the packaged template must look like is checked in tests/infra.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib import config
from chalicelib.domain.channels import ChannelType, Priority
from infra import workers

if TYPE_CHECKING:
    from chalice.config import Config

HERE = Path(__file__).resolve().parent

Resource = dict[str, Any]
Template = dict[str, Any]

API = "api"  # the function that serves the REST API, as others call it; Chalice's word is api_handler

MAX_RECEIVES = 8  # of one SQS message; throttled and paced jobs are sent again and do not count
VISIBILITY_PER_TIMEOUT = 6  # AWS's advice for queues that feed a function
AUDIENCE_BATCH = 10  # small jobs, each a page or an evaluation; a function stops at its deadline and hands the rest back
STREAM_BATCH = 100
LOG_DAYS = 30
# What providers, recipients and readers call: each has a throttle of its own.
OUTSIDERS = ("/receipts/", "/v1/{type}/callback", "/l/", "/u/", "/o/", "/docs", "/openapi.json")

SWEEP_SCHEDULE = "rate(5 minutes)"  # finds what a crash left behind; the clock does the punctual work
POLL_SCHEDULE = "rate(1 minute)"


@dataclass(frozen=True)
class Family:
    """One kind of job: queues by priority, one dead-letter queue, one function."""

    name: str  # of queues: audience, sms, cmpp
    function: str  # audience, deliver_sms; empty where a worker takes its jobs
    batch_size: int
    timeout: int
    priorities: tuple[Priority, ...] = tuple(Priority)


@dataclass(frozen=True)
class Stage:
    """What Chalice's configuration says about a stage."""

    name: str
    chalice: Config

    @property
    def environment(self) -> dict[str, str]:
        return dict(self.chalice.environment_variables)

    @property
    def channel_types(self) -> list[ChannelType]:
        return [ChannelType(name) for name in self.environment["CHANNEL_TYPES"].split(",") if name]

    @property
    def functions(self) -> list[str]:
        app = self.chalice.chalice_app
        return [API, *(each.name for each in app.event_sources), *(each.name for each in app.pure_lambda_functions)]

    @property
    def routes(self) -> list[tuple[str, str]]:
        """(path, method) of every route."""
        return [(path, method) for path, methods in self.chalice.chalice_app.routes.items() for method in methods]

    def concurrency(self, priority: Priority) -> int:
        """How many batches one family works on at once. Priority 3 has the broadcasts: it stays below what the tables are warm for."""
        on_disk = self.chalice.config_from_disk
        found = on_disk["stages"].get(self.name, {}).get("concurrency") or on_disk["concurrency"]
        return int(found[str(priority.value)])

    def timeout(self, function: str) -> int:
        name = "api_handler" if function == API else function
        return int(self.chalice.scope(self.name, name).lambda_timeout)

    @property
    def workers(self) -> list[Family]:
        """Families of jobs that a long-lived worker takes, not a function."""
        own = workers.timeout(self.environment["PROVIDER_TIMEOUT"])
        return [Family(workers.CMPP, "", 1, own)] if ChannelType.SMS in self.channel_types else []

    @property
    def families(self) -> list[Family]:
        """The audience queues, those of each channel type, and that of imports.

        A delivery function works through its batch one job after another and must be done, even if the provider answers none
        of them in time, before its own timeout: that bounds the batch (5 jobs of 10 s in 60 s).
        """
        found = [Family("audience", "audience", AUDIENCE_BATCH, self.timeout("audience"))]
        for channel_type in self.channel_types:
            function = config.deliver_function(channel_type)
            timeout = self.timeout(function)
            batch = int(timeout // float(self.environment["PROVIDER_TIMEOUT"])) - 1
            # A mail job has several calls of up to a quarter of a minute each: one job at a time.
            size = 1 if channel_type is ChannelType.EMAIL else min(10, max(1, batch))
            found.append(Family(channel_type.value, function, size, timeout))
        imports = config.imports_queue()
        return [*found, Family(imports, imports, 1, self.timeout(imports), (Priority.LOW,))]


def write_merge_file(stage: str, chalice: Config, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(assemble(Stage(stage, chalice)), indent=1))


def assemble(stage: Stage) -> Template:
    template = _by_hand()
    template["Parameters"]["Stage"] = {"Type": "String", "Default": stage.name, "AllowedValues": [stage.name]}
    resources = template["Resources"]
    _name_tables(stage, resources)
    resources["SealingKeyAlias"]["Properties"]["AliasName"] = f"alias/{config.APP}-{stage.name}"
    resources["Clock"]["Properties"] |= {
        "StateMachineName": config.clock_name(stage.name),
        "Definition": json.loads((HERE / "workflows" / "clock.asl.json").read_text()),
    }
    for family in stage.families:
        resources |= _queues(stage, family)
    for family in stage.workers:
        resources |= workers.conditional(_queues(stage, family))
        resources |= workers.resources(stage.name, Path(stage.chalice.project_dir), {**stage.environment, **_environment(stage)})
    for channel_type in stage.channel_types:
        function = config.deliver_function(channel_type)
        resources[f"{_camel(function)}Role"] = _delivery_role(stage, channel_type)
    for function in stage.functions:
        resources[_logical(function)] = _function(stage, function)
        resources[f"{_logical(function)}Logs"] = _log_group(stage, function)
    resources["RestAPI"] = _rest_api(stage)
    resources |= _alarms(stage)
    template["Outputs"]["PublicUrl"] = {"Description": "Where the API is reached", "Value": _public_url(stage)}
    return template


def _by_hand() -> Template:
    from chalice.package import YAMLTemplateSerializer

    template: Template = YAMLTemplateSerializer().load_template((HERE / "resources.yaml").read_text())
    return template


def _name_tables(stage: Stage, resources: Resource) -> None:
    for table in config.TABLES:
        resources[f"{_camel(table)}Table"]["Properties"]["TableName"] = config.table_name(stage.name, table)


def _camel(name: str) -> str:
    return "".join(word[0].upper() + word[1:] for word in name.replace("-", "_").split("_"))


def _logical(function: str) -> str:
    """The logical id that Chalice gives a function."""
    return "APIHandler" if function == API else _camel(function)


# ---- functions


def _function(stage: Stage, function: str) -> Resource:
    properties: Resource = {
        "FunctionName": config.function_name(stage.name, function),
        "Environment": {"Variables": _environment(stage)},
        "LoggingConfig": {"LogGroup": {"Ref": f"{_logical(function)}Logs"}},
    }
    for family in stage.families:
        if family.function == function:
            properties["Events"] = dict(_event_sources(stage, family))
            # It puts jobs on the queue it is fed from: Lambda ends such a chain after some 16 hops unless told that it is meant.
            # Each job carries a hop counter of its own.
            properties["RecursiveLoop"] = "Allow"
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
    file = Path(stage.chalice.project_dir) / ".chalice" / stage.chalice.scope(stage.name, function).iam_policy_file
    document = json.loads(file.read_text().replace("${ChannelType}", channel_type.value))
    return {"Properties": {"Policies": [{"PolicyName": f"{_camel(function)}RolePolicy", "PolicyDocument": document}]}}


def _environment(stage: Stage) -> Resource:
    """What chalicelib/config.py reads, beside the plain values of .chalice/config.json.

    The clock is named, not referred to: it starts the function `sweep`, which has this environment too.
    """
    clock = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:" + config.clock_name(stage.name)
    leases = {stage.timeout(config.deliver_function(each)) for each in stage.channel_types}
    return {
        "STAGE": stage.name,
        "PUBLIC_URL": _public_url(stage),
        "QUEUE_URL_PREFIX": {"Fn::Sub": "https://sqs.${AWS::Region}.${AWS::URLSuffix}/${AWS::AccountId}/"},
        "CLOCK_ARN": {"Fn::Sub": clock},
        "KMS_KEY": {"Fn::GetAtt": ["SealingKey", "Arn"]},
        "FILES_BUCKET": {"Ref": "FilesBucket"},
        "EGRESS_ALLOW": {"Ref": "EgressAllow"},
        "LEASE": str(max(leases, default=60)),
        "WORKERS": {"Fn::If": [workers.ON, workers.CMPP, ""]} if stage.workers else "",
        "POWERTOOLS_SERVICE_NAME": config.APP,
        "POWERTOOLS_METRICS_NAMESPACE": "OpenUMS",
    }


def _public_url(stage: Stage) -> Resource:
    own = "https://${RestAPI}.execute-api.${AWS::Region}.${AWS::URLSuffix}/" + stage.chalice.api_gateway_stage
    return {"Fn::If": ["HasPublicUrl", {"Ref": "PublicUrl"}, {"Fn::Sub": own}]}


def _event_sources(stage: Stage, family: Family) -> Iterator[tuple[str, Resource]]:
    """One per priority, each with its own concurrency, so that small things never wait for big ones.

    Chalice wrote the first; what it has no option for is added.
    """
    for priority in family.priorities:
        first = priority is family.priorities[0]
        name = f"{_camel(family.function)}SqsEventSource" if first else f"Priority{priority.value}"
        properties = {
            "Queue": {"Fn::Sub": f"${{{_queue_id(family, priority)}.Arn}}"},
            "BatchSize": family.batch_size,
            "MaximumBatchingWindowInSeconds": 0,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": stage.concurrency(priority)},
        }
        yield name, {"Type": "SQS", "Properties": properties}


def _ledger_stream() -> Resource:
    """Inserts only, and of those only what changes a page's counts. What fails for good is kept in the bucket of files."""
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
        "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["FilesBucket", "Arn"]}}},
        "FilterCriteria": {"Filters": [{"Pattern": json.dumps(counted)}]},
    }
    return {"TallyDynamodbEventSource": {"Type": "DynamoDB", "Properties": properties}}


def _schedule(name: str, rate: str) -> Resource:
    properties = {"Schedule": rate, "Input": json.dumps({"by": "schedule"})}
    return {name: {"Type": "Schedule", "Properties": properties}}


def _log_group(stage: Stage, function: str) -> Resource:
    properties = {"LogGroupName": f"/aws/lambda/{config.function_name(stage.name, function)}", "RetentionInDays": LOG_DAYS}
    return {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "Delete", "UpdateReplacePolicy": "Retain", "Properties": properties}


# ---- queues


def _queue_id(family: Family, priority: Priority) -> str:
    return f"{_camel(family.name)}{priority.value}Queue"


def _dead_id(family: Family) -> str:
    return f"{_camel(family.name)}DeadQueue"


def _queue_name(family: Family, priority: Priority) -> str:
    if family.name == "audience":
        return config.audience_queue(priority)
    if family.name == config.imports_queue():
        return config.imports_queue()
    if not family.function:
        return config.worker_queue(family.name, priority)
    return config.delivery_queue(ChannelType(family.name), priority)


def _queues(stage: Stage, family: Family) -> Resource:
    dead = {
        "QueueName": config.queue_name(stage.name, config.dead_letter_queue(family.name)),
        "MessageRetentionPeriod": 14 * 86400,
        "SqsManagedSseEnabled": True,
    }
    queues: Resource = {_dead_id(family): _deletable("AWS::SQS::Queue", dead)}
    for priority in family.priorities:
        properties = {
            "QueueName": config.queue_name(stage.name, _queue_name(family, priority)),
            "VisibilityTimeout": VISIBILITY_PER_TIMEOUT * family.timeout,
            "MessageRetentionPeriod": 4 * 86400,
            "SqsManagedSseEnabled": True,
            "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": [_dead_id(family), "Arn"]}, "maxReceiveCount": MAX_RECEIVES},
        }
        queues[_queue_id(family, priority)] = _deletable("AWS::SQS::Queue", properties)
    return queues


def _deletable(kind: str, properties: Resource) -> Resource:
    return {"Type": kind, "DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete", "Properties": properties}


# ---- the API


def _rest_api(stage: Stage) -> Resource:
    """Gateway's own errors in our shape, throttles, and integrations that name their function.

    Named, not referred to: the function's environment holds the API's address, which would close a circle.
    """
    function = config.function_name(stage.name, API)
    arn = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:" + function
    uri = {"Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/" + arn + "/invocations"}
    paths: Resource = {}
    for path, method in stage.routes:
        paths.setdefault(path, {})[method.lower()] = {"x-amazon-apigateway-integration": {"uri": uri}}
    body = {"paths": paths, "x-amazon-apigateway-gateway-responses": dict(_gateway_responses())}
    properties = {
        "OpenApiVersion": "2.0",  # what Chalice writes; said aloud, SAM leaves out its superfluous second stage named "Stage"
        "DefinitionBody": body,
        "TracingEnabled": True,
        "MethodSettings": _throttles(stage),
    }
    return {"Properties": properties}


def _throttles(stage: Stage) -> list[Resource]:
    """Receipts and clicks have their own, so that they cannot use up the API."""
    settings = [{"ResourcePath": "/*", "HttpMethod": "*", "ThrottlingRateLimit": {"Ref": "ApiRate"}, "ThrottlingBurstLimit": 1000}]
    for path, method in stage.routes:
        if path.startswith(OUTSIDERS):
            escaped = "/" + path.replace("/", "~1")
            limits = {"ThrottlingRateLimit": {"Ref": "OutsiderRate"}, "ThrottlingBurstLimit": 600}
            settings.append({"ResourcePath": escaped, "HttpMethod": method, **limits})
    return settings


def _gateway_responses() -> Iterator[tuple[str, Resource]]:
    """A request that never reaches the function gets an answer of the same shape as any other.

    API Gateway calls an unknown path a missing token and, because ours carry Basic credentials, an incomplete signature
    (DEFAULT_4XX): every other kind that can happen here is listed.
    """
    unknown = (404, 4004, "no such path or method")
    large = "the body is too large; an attachment of more than 4.4 MB is uploaded as POST /v1/material/upload says"
    answers = {
        "MISSING_AUTHENTICATION_TOKEN": unknown,
        "RESOURCE_NOT_FOUND": unknown,
        "INVALID_SIGNATURE": unknown,
        "DEFAULT_4XX": unknown,
        "BAD_REQUEST_BODY": (400, 4004, "the body cannot be read"),
        "BAD_REQUEST_PARAMETERS": (400, 4004, "a parameter cannot be read"),
        "UNAUTHORIZED": (401, 4005, "credentials are missing"),
        "ACCESS_DENIED": (403, 4005, "access denied"),
        "WAF_FILTERED": (403, 4005, "access denied"),
        "EXPIRED_TOKEN": (403, 4005, "access denied"),
        "REQUEST_TOO_LARGE": (413, 4004, large),
        "UNSUPPORTED_MEDIA_TYPE": (415, 4004, "this content type is not accepted"),
        "THROTTLED": (429, 1015030, "too many requests"),
        "QUOTA_EXCEEDED": (429, 1015030, "too many requests"),
        "INTEGRATION_TIMEOUT": (504, 5000, "no answer in time; it may have been accepted"),
        "INTEGRATION_FAILURE": (502, 5000, "no answer; it may have been accepted"),
        "DEFAULT_5XX": (500, 5000, "an error on our side; it may have been accepted"),
    }
    for kind, (status, code, message) in answers.items():
        body = json.dumps({"code": code, "message": message})
        yield kind, {"statusCode": status, "responseTemplates": {"application/json": body}}


# ---- alarms


def _alarms(stage: Stage) -> Resource:
    alarms: Resource = {}
    for family in (*stage.families, *stage.workers):
        dead = {"QueueName": {"Fn::GetAtt": [_dead_id(family), "QueueName"]}}
        text = f"Jobs of {family.name} failed {MAX_RECEIVES} times"
        alarms[f"{_camel(family.name)}DeadAlarm"] = _alarm(text, "AWS/SQS", "ApproximateNumberOfMessagesVisible", dead, above=0)
        if Priority.HIGH not in family.priorities:
            continue
        oldest = {"QueueName": {"Fn::GetAtt": [_queue_id(family, Priority.HIGH), "QueueName"]}}
        text = f"Urgent jobs of {family.name} wait longer than two minutes"
        alarms[f"{_camel(family.name)}AgeAlarm"] = _alarm(text, "AWS/SQS", "ApproximateAgeOfOldestMessage", oldest, above=120, times=3)
    ours = [name for name in alarms if any(name.startswith(_camel(family.name)) for family in stage.workers)]
    alarms |= workers.conditional({name: alarms[name] for name in ours})
    for function in stage.functions:
        dimension = {"FunctionName": config.function_name(stage.name, function)}
        text = f"{function} fails"
        alarms[f"{_camel(function)}ErrorAlarm"] = _alarm(text, "AWS/Lambda", "Errors", dimension, above=0, times=3, statistic="Sum")
    tally = {"FunctionName": config.function_name(stage.name, "tally")}
    text = "Counts lag behind the ledger by more than ten minutes"
    alarms["TallyLagAlarm"] = _alarm(text, "AWS/Lambda", "IteratorAge", tally, above=600_000)
    clock = {"StateMachineArn": {"Ref": "Clock"}}
    alarms["ClockAlarm"] = _alarm("The clock fails", "AWS/States", "ExecutionsFailed", clock, above=0, statistic="Sum")
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
