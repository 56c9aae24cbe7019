"""Promises of the packaged template: the parts of Chalice, SAM and our own fit together."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from chalicelib import config
from chalicelib.domain.delivery_channels import Priority
from infra.package import AWS_SERVICES, ROOT
from tests.template.conftest import Resource, of_type, outside_china, queue_of, sources

Template = Mapping[str, Any]
Functions = Mapping[str, Resource]

DELIVER = {config.deliver_function(each) for each in config.SUPPORTED_CHANNEL_TYPES}


def test_the_functions_are_those_that_the_design_names(functions: Functions) -> None:
    assert set(functions) == {"api", "chunks", "imports", "tally", "sweep", "poll", *DELIVER}


def test_every_handler_of_the_package_imports_in_a_bare_interpreter(
    packaged_here: Path, tmp_path: Path
) -> None:
    template = json.loads((packaged_here / "sam.json").read_text())
    with zipfile.ZipFile(packaged_here / "deployment.zip") as package:
        package.extractall(tmp_path)
    handlers = [
        properties["Handler"] for _, properties in of_type(template, "AWS::Serverless::Function")
    ]
    environment = next(of_type(template, "AWS::Serverless::Function"))[1]["Environment"][
        "Variables"
    ]
    plain = {name: value if isinstance(value, str) else "-" for name, value in environment.items()}
    script = (
        "import importlib, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "for handler in sys.argv[2:]:\n"
        "    module, _, name = handler.rpartition('.')\n"
        "    assert callable(getattr(importlib.import_module(module), name)), handler\n"
    )
    bare = [getattr(sys, "_base_executable", sys.executable), "-S", "-E", "-s"]
    done = subprocess.run(
        [*bare, "-c", script, str(tmp_path), *handlers], env=plain, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert len(handlers) == len(set(handlers))


def test_cfn_lint_finds_nothing(packaged: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), packaged / "sam.json"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_every_queue_has_exactly_one_consumer(functions: Functions, queues: Functions) -> None:
    consumers = Counter(
        queue_of(source) for function in functions.values() for source in sources(function, "SQS")
    )
    fed = {logical_id for logical_id, queue in queues.items() if "RedrivePolicy" in queue}
    workers = {f"Cmpp{priority.value}Queue" for priority in Priority}
    assert consumers == Counter(fed - workers)
    assert workers <= fed


def test_every_family_of_jobs_has_a_queue_for_each_priority(queues: Functions) -> None:
    names = {queue["QueueName"] for queue in queues.values() if "RedrivePolicy" in queue}
    chunks = {config.chunks_queue(priority) for priority in Priority}
    delivery = {
        config.delivery_queue(each, priority)
        for each in config.SUPPORTED_CHANNEL_TYPES
        for priority in Priority
    }
    workers = {config.worker_queue("cmpp", priority) for priority in Priority}
    assert names == {
        config.queue_name("prod", name)
        for name in chunks | delivery | workers | {config.imports_queue()}
    }


def test_every_event_source_reports_failed_items_and_has_a_concurrency_of_its_own(
    functions: Functions,
) -> None:
    for name, function in functions.items():
        for source in sources(function, "SQS"):
            assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name
            assert source["ScalingConfig"]["MaximumConcurrency"] >= 2, name
        for source in sources(function, "DynamoDB"):
            assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name


def test_a_queue_hides_a_message_for_six_times_what_its_function_may_take(
    functions: Functions, queues: Functions
) -> None:
    for function in functions.values():
        for source in sources(function, "SQS"):
            assert queues[queue_of(source)]["VisibilityTimeout"] >= 6 * function["Timeout"]


def test_a_batch_of_calls_that_nobody_answers_ends_before_the_function_does(
    functions: Functions,
) -> None:
    for name in DELIVER:
        patience = float(functions[name]["Environment"]["Variables"]["PROVIDER_TIMEOUT"])
        for source in sources(functions[name], "SQS"):
            assert source["BatchSize"] * patience < functions[name]["Timeout"]


def test_queues_leave_the_api_a_quarter_of_what_an_account_may_run_at_once(
    functions: Functions,
) -> None:
    at_once = [
        source["ScalingConfig"]["MaximumConcurrency"]
        for function in functions.values()
        for source in sources(function, "SQS")
    ]
    assert sum(at_once) == 710  # as docs/how-to/deploy.md says
    assert sum(at_once) <= 750


def test_functions_that_feed_their_own_queue_may_run_in_a_loop_and_no_others(
    functions: Functions,
) -> None:
    looping = {name for name, each in functions.items() if "RecursiveLoop" in each}
    assert looping == {"chunks", "imports", *DELIVER}
    assert {
        name for name in looping if outside_china(functions[name]["RecursiveLoop"]) == "Allow"
    } == looping


def test_a_lease_is_as_long_as_a_delivery_function_runs(functions: Functions) -> None:
    timeouts = {functions[name]["Timeout"] for name in DELIVER}
    leases = {int(each["Environment"]["Variables"]["LEASE"]) for each in functions.values()}
    assert leases == timeouts


def test_the_stream_brings_counted_inserts_only_and_gives_up_to_the_bucket(
    functions: Functions,
) -> None:
    (stream,) = sources(functions["tally"], "DynamoDB")
    (pattern,) = stream["FilterCriteria"]["Filters"]
    assert json.loads(pattern["Pattern"]) == {
        "eventName": ["INSERT"],
        "dynamodb": {"NewImage": {"tally": {"N": ["1"]}}},
    }
    assert stream["Stream"] == {"Fn::GetAtt": ["LedgerTable", "StreamArn"]}
    assert stream["BisectBatchOnFunctionError"] is True
    assert 0 < stream["MaximumRetryAttempts"] < 100
    assert outside_china(stream["DestinationConfig"]["OnFailure"]) == {
        "Destination": {"Fn::GetAtt": ["FilesBucket", "Arn"]}
    }


def test_the_clock_retries_by_what_the_states_language_knows(template: Template) -> None:
    """Source: https://states-language.net/#retrying-after-error. Comments belong to states."""
    known = {
        "ErrorEquals",
        "IntervalSeconds",
        "MaxAttempts",
        "BackoffRate",
        "MaxDelaySeconds",
        "JitterStrategy",
    }
    (retrier,) = template["Resources"]["Clock"]["Properties"]["Definition"]["States"]["Sweep"][
        "Retry"
    ]
    assert set(retrier) <= known


def test_functions_run_on_arm_with_enough_memory_and_are_traced(functions: Functions) -> None:
    for name, function in functions.items():
        assert function["Architectures"] == ["arm64"], name
        assert function["MemorySize"] >= 512, name
        assert outside_china(function["Tracing"]) == "Active", name


def test_the_package_for_aws_has_arm_binaries_only(packaged: Path) -> None:
    with zipfile.ZipFile(packaged / "deployment.zip") as package:
        names = package.namelist()
    binaries = [name for name in names if name.endswith(".so")]
    assert binaries
    assert not [name for name in binaries if "x86_64" in name or "darwin" in name]
    assert not [
        name for name in names if name.startswith(("pip/", "setuptools/", "infra/", "tests/"))
    ]


def test_the_package_has_the_descriptions_of_the_services_that_are_used() -> None:
    asked = set()
    for path in (ROOT / "chalicelib").rglob("*.py"):
        for call in ("client(", "resource("):
            for piece in path.read_text().split(call)[1:]:
                if piece[:1] in "\"'":
                    asked.add(piece[1:].split(piece[0])[0])
    assert asked <= set(AWS_SERVICES)


def test_the_api_answers_before_api_gateway_gives_up(functions: Functions) -> None:
    assert functions["api"]["Timeout"] <= 29


def test_functions_that_call_providers_and_no_others_are_in_subnets_where_an_operator_names_some(
    functions: Functions,
) -> None:
    connected = {
        name: function["VpcConfig"]["Fn::If"]
        for name, function in functions.items()
        if "VpcConfig" in function
    }
    assert set(connected) == DELIVER
    for condition, there, otherwise in connected.values():
        assert condition == "HasDeliverySubnets"
        assert there == {
            "SubnetIds": {"Ref": "DeliverySubnets"},
            "SecurityGroupIds": {"Ref": "DeliverySecurityGroups"},
        }
        assert otherwise == {"Ref": "AWS::NoValue"}


def test_production_lets_nothing_private_through_the_egress_policy(
    template: Template, functions: Functions
) -> None:
    assert template["Parameters"]["EgressAllow"]["Default"] == ""
    for function in functions.values():
        assert function["Environment"]["Variables"]["EGRESS_ALLOW"] == {"Ref": "EgressAllow"}


def test_the_environment_has_what_the_settings_read(functions: Functions) -> None:
    for function in functions.values():
        variables = function["Environment"]["Variables"]
        plain = {
            name: value if isinstance(value, str) else "-" for name, value in variables.items()
        }
        assert config.read_settings(plain).stage == "prod"


def test_tables_bear_the_names_of_the_config_and_expire_where_they_should(
    template: Template,
) -> None:
    tables = {table["TableName"]: table for _, table in of_type(template, "AWS::DynamoDB::Table")}
    assert set(tables) == {config.table_name("prod", name) for name in config.TABLES}
    expiring = {
        name.rsplit("-", 1)[1]
        for name, table in tables.items()
        if table.get("TimeToLiveSpecification", {}).get("Enabled")
    }
    assert expiring == {"messages", "ledger", "lookups"}
    assert {table["BillingMode"] for table in tables.values()} == {"PAY_PER_REQUEST"}


@pytest.mark.parametrize(
    "kind",
    [
        "MISSING_AUTHENTICATION_TOKEN",
        "DEFAULT_4XX",
        "DEFAULT_5XX",
        "THROTTLED",
        "REQUEST_TOO_LARGE",
    ],
)
def test_the_gateways_own_errors_have_our_shape(template: Template, kind: str) -> None:
    body = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    answer = body["x-amazon-apigateway-gateway-responses"][kind]
    assert set(json.loads(answer["responseTemplates"]["application/json"])) == {"code", "message"}


def test_every_table_that_a_send_writes_rings_when_its_writes_are_throttled(
    template: Template,
) -> None:
    throttled = {
        alarm["Dimensions"][0]["Value"]
        for _, alarm in of_type(template, "AWS::CloudWatch::Alarm")
        if alarm["MetricName"] == "WriteThrottleEvents"
    }
    written = ("messages", "ledger", "lookups", "due")
    assert throttled == {config.table_name("prod", table) for table in written}


def test_timers_that_wait_longer_than_a_scheduled_sweep_needs_ring(template: Template) -> None:
    alarm = template["Resources"]["OverdueAlarm"]["Properties"]
    assert (alarm["MetricName"], alarm["Threshold"]) == ("oldest_due_seconds", 300)
    (sweep,) = sources_of(template, "Sweep")
    assert sweep["Schedule"] == "rate(5 minutes)"


def sources_of(template: Template, logical_id: str) -> list[Resource]:
    return sources(template["Resources"][logical_id]["Properties"], "Schedule")


def test_the_documents_which_anybody_may_fetch_are_few_and_compressed(template: Template) -> None:
    api = template["Resources"]["RestAPI"]["Properties"]
    rates = {each["ResourcePath"]: each["ThrottlingRateLimit"] for each in api["MethodSettings"]}
    assert rates["/~1docs"] == rates["/~1openapi.json"] == 5
    assert rates["/~1l~1{token}"] == {"Ref": "LinkRate"}
    assert rates["/~1receipts~1{code}~1{token}"] == {"Ref": "ReceiptRate"}
    assert api["MinimumCompressionSize"] == 1024


@pytest.mark.parametrize("subnets", ["", "subnet-1,subnet-2"])
@pytest.mark.parametrize("groups", ["", "sg-1"])
def test_subnets_without_security_groups_are_refused_before_anything_is_made(
    template: Template, subnets: str, groups: str
) -> None:
    """CloudFormation's functions for rules, as the emulator evaluates them."""
    from ministack.services.cloudformation import engine

    given = {
        name: {"Value": value}
        for name, value in (("DeliverySubnets", subnets), ("DeliverySecurityGroups", groups))
    }
    rules = {"Rules": template["Rules"], "Parameters": template["Parameters"]}
    if subnets and not groups:
        with pytest.raises(ValueError, match="DeliverySubnets needs DeliverySecurityGroups"):
            engine._evaluate_rules(rules, given, {})
    else:
        engine._evaluate_rules(rules, given, {})


def test_receipts_cannot_use_up_the_api(template: Template) -> None:
    settings = template["Resources"]["RestAPI"]["Properties"]["MethodSettings"]
    body = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    outside = ("/receipts/", "/v1/{type}/callback", "/l/", "/u/", "/o/", "/docs", "/openapi.json")
    outsiders = {path for path in body["paths"] if path.startswith(outside)}
    throttled = {
        each["ResourcePath"].removeprefix("/").replace("~1", "/")
        for each in settings
        if each["ResourcePath"] != "/*"
    }
    assert len(outsiders) == 8
    assert throttled == outsiders
