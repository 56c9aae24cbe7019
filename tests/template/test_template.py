"""Promises of the packaged template: the parts of Chalice, SAM and our own fit together."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from chalicelib import config
from chalicelib.entrypoints.lambdas.runtime import Again
from infra.bench import page
from tests.docs.test_rights_of_a_deployer import TYPES
from tests.template.conftest import DELIVER, Resource, of_type, sources

Template = Mapping[str, Any]
Functions = Mapping[str, Resource]


def test_the_functions_are_those_that_the_design_names(functions: Functions) -> None:
    streams = {"tally", "history"}
    expected = {
        "api",
        "console",
        "receipts",
        "chunks",
        "facts",
        "imports",
        "callbacks",
        "sweep",
        "poll",
        "schedules",
        *streams,
        *DELIVER,
    }
    assert set(functions) == expected


def test_a_deployer_has_rights_for_every_type(template: Template) -> None:
    assert {each["Type"] for each in template["Resources"].values()} == set(TYPES)


def test_a_lease_is_as_long_as_a_delivery_function_runs(functions: Functions) -> None:
    timeouts = {functions[name]["Timeout"] for name in DELIVER}
    leases = {int(each["Environment"]["Variables"]["LEASE"]) for each in functions.values()}
    assert leases == timeouts


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
    states = template["Resources"]["Clock"]["Properties"]["Definition"]["States"]
    soon, rest = states["Sweep"]["Retry"]
    assert {*soon, *rest} <= known
    assert rest["ErrorEquals"] == ["States.ALL"], "alone, and in the last retrier"
    assert soon["ErrorEquals"] == [Again.__name__, "Lambda.TooManyRequestsException"]
    assert (soon["BackoffRate"], soon["IntervalSeconds"]) == (1, 2)
    assert soon["MaxAttempts"] * soon["IntervalSeconds"] >= 180, "as long as AWS is busy, mostly"
    assert len(states) == page.TICK, "each is billed, once a tick"


def test_functions_run_on_arm_with_enough_memory_and_can_be_traced(functions: Functions) -> None:
    for name, function in functions.items():
        assert function["Architectures"] == ["arm64"], name
        assert function["MemorySize"] >= 512, name
        assert function["Tracing"] == {"Fn::If": ["TracingOn", "Active", "PassThrough"]}, name


def test_the_api_answers_before_api_gateway_gives_up(functions: Functions) -> None:
    assert functions["api"]["Timeout"] <= 29


def test_functions_that_call_others_and_no_more_are_in_subnets_where_an_operator_names_some(
    functions: Functions,
) -> None:
    connected = {
        name: function["VpcConfig"]["Fn::If"]
        for name, function in functions.items()
        if "VpcConfig" in function
    }
    assert set(connected) == {*DELIVER, "callbacks"}
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


def test_production_is_attached_to_no_sandbox(template: Template, functions: Functions) -> None:
    assert template["Parameters"]["SandboxUrl"]["Default"] == ""
    for function in functions.values():
        assert function["Environment"]["Variables"]["SANDBOX_URL"] == {"Ref": "SandboxUrl"}


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
    assert expiring == {"messages", "ledger", "lookups", "callbacks"}
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


def rest_rates(template: Template) -> dict[str, Any]:
    """Return the rate of each path with a throttle of its own."""
    settings = template["Resources"]["RestAPI"]["Properties"]["MethodSettings"]
    return {
        setting["ResourcePath"].removeprefix("/").replace("~1", "/"): setting["ThrottlingRateLimit"]
        for setting in settings
        if setting["ResourcePath"] != "/*"
    }


def http_rates(template: Template) -> dict[str, Any]:
    settings = template["Resources"]["HttpApiStage"]["Properties"]["RouteSettings"]
    return {
        key.partition(" ")[2]: setting["ThrottlingRateLimit"] for key, setting in settings.items()
    }


BOTH_APIS = pytest.mark.parametrize("rates_of", [rest_rates, http_rates])


@BOTH_APIS
def test_the_documents_which_anybody_may_fetch_are_few(
    template: Template, rates_of: Callable[[Template], dict[str, Any]]
) -> None:
    rates = rates_of(template)
    assert rates["/docs"] == rates["/openapi.json"] == 5
    assert rates["/l/{token}"] == {"Ref": "LinkRate"}
    assert rates["/receipts/{code}/{token}"] == {"Ref": "ReceiptRate"}


def test_answers_of_a_rest_api_are_compressed(template: Template) -> None:
    assert template["Resources"]["RestAPI"]["Properties"]["MinimumCompressionSize"] == 1024


@BOTH_APIS
def test_receipts_cannot_use_up_the_api(
    template: Template, rates_of: Callable[[Template], dict[str, Any]]
) -> None:
    body = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    outside = ("/receipts/", "/v1/{type}/callback", "/l/", "/u/", "/o/", "/docs", "/openapi.json")
    outsiders = {path for path in body["paths"] if path.startswith(outside)}
    assert len(outsiders) == 8
    console = {"/console", "/console/", "/console/{page+}"}  # only the HTTP API has its pages
    assert set(rates_of(template)) - console == outsiders


def test_every_route_with_a_throttle_exists_in_the_http_api_before_its_stage(
    template: Template,
) -> None:
    """API Gateway refuses a throttle of a route that it does not know."""
    stage = template["Resources"]["HttpApiStage"]
    routes = {
        name: route["RouteKey"] for name, route in of_type(template, "AWS::ApiGatewayV2::Route")
    }
    assert set(routes.values()) == {"$default", *stage["Properties"]["RouteSettings"]}
    assert set(stage["DependsOn"]) == set(routes)


def test_options_of_doors_exist_only_where_they_are_turned_on(
    template: Template,
) -> None:
    conditions = {
        name: resource["Condition"]
        for name, resource in template["Resources"].items()
        if resource.get("Condition") in ("RestApiOn", "ReceiptsUrlOn", "SendersUrlOn")
    }
    expected = dict.fromkeys(
        ("RestAPI", "APIHandlerInvokePermission", "RestApiErrorAlarm"), "RestApiOn"
    )
    names = (
        "Receipts",
        "ReceiptsRole",
        "ReceiptsLogs",
        "ReceiptsFunctionUrl",
        "ReceiptsUrlPermission",
        "ReceiptsInvokePermission",
        "ReceiptsErrorAlarm",
    )
    of_senders = ("SendersFunctionUrl", "SendersUrlPermission", "SendersInvokePermission")
    expected |= dict.fromkeys(of_senders, "SendersUrlOn")
    assert conditions == expected | dict.fromkeys(names, "ReceiptsUrlOn")
    assert template["Outputs"]["SendersUrl"]["Condition"] == "SendersUrlOn"
    for output in ("RestAPIId", "EndpointURL"):
        assert template["Outputs"][output]["Condition"] == "RestApiOn"


def test_fact_files_exist_only_where_they_are_turned_on(template: Template) -> None:
    """Nothing of theirs is deployed otherwise, and their bucket outlives the stack."""
    conditional = {
        name for name, each in template["Resources"].items() if each.get("Condition") == "FactsOn"
    }
    assert conditional == {
        *("Facts", "FactsRole", "FactsLogs", "FactsErrorAlarm", "FactsLayer"),
        *("FactsDeadQueue", "FactsDeadAlarm", "Facts3Queue", "Facts3QueueAgeAlarm"),
        *("FactsBucket", "FactsBucketPolicy"),
    }
    assert conditional == {name for name in template["Resources"] if name.startswith("Facts")}
    assert template["Resources"]["FactsBucket"]["DeletionPolicy"] == "Retain"
    assert template["Outputs"]["FactsBucket"]["Condition"] == "FactsOn"


def test_only_the_function_of_fact_files_has_a_layer(functions: Functions) -> None:
    with_layer = {name for name, each in functions.items() if each.get("Layers")}
    assert with_layer == {"facts"}
    for each in functions.values():
        assert each["Environment"]["Variables"]["FACTS_BUCKET"]["Fn::If"][0] == "FactsOn"
        assert each["Environment"]["Variables"]["FACTS_BUCKET"]["Fn::If"][2] == ""


def test_the_function_of_receipts_is_the_apis_with_another_role(functions: Functions) -> None:
    api, receipts = functions["api"], functions["receipts"]
    same = ("Runtime", "Handler", "CodeUri", "Architectures", "Timeout", "MemorySize")
    assert {name: receipts[name] for name in same} == {name: api[name] for name in same}
    variables = dict(api["Environment"]["Variables"])
    assert variables.pop("RECEIPTS_URL")["Fn::If"][0] == "ReceiptsUrlOn"
    assert receipts["Environment"]["Variables"] == variables
