"""The benchmark's figures from the emulator's counts, computed by hand for a small case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chalicelib.aws import user_lists
from infra.bench import page as bench_page
from infra.bench import prices, quiet
from infra.bench.cost import Result
from infra.bench.pipeline import BOUNDS
from infra.local import units

COUNTS: dict[str, Any] = {
    "requests": {
        "dynamodb": {"PutItem": 30, "Query": 10},
        "sqs": {"SendMessageBatch": 4},
        "kms": {"Decrypt": 2},
    },
    "by_caller": {
        "api": {"dynamodb": {"PutItem": 20}, "sqs": {"SendMessageBatch": 4}, "kms": {"Decrypt": 2}},
        "deliver_app": {"dynamodb": {"PutItem": 10, "Query": 10}},
    },
    "api": {"POST": 15},
    "lambda": {
        "api": {"invocations": 15, "milliseconds": 1500},
        "deliver_app": {"invocations": 5, "milliseconds": 500},
    },
    "event_sources": {
        "app-2": {"receives": 5, "messages": 9, "deletes": 5},
        "stream ledger": {"batches": 3, "records": 30},
    },
    "states": {"transitions": 8},
    "write_units": {"ledger": 40, "due": 10},
    "read_units": {"ledger": 20.5, "users": 500.0},
    "figures": {},
}


@pytest.fixture
def result() -> Result:
    return Result(
        recipients=2000, deliveries_per_second=123.456, counts=COUNTS, log_bytes=1_000_000
    )


def test_requests_of_functions_and_those_that_aws_makes_by_itself_are_counted(
    result: Result,
) -> None:
    steps = {name: number for name, number in result.requests_by_step.items() if number}
    assert steps["api"] == 26
    assert steps["deliver_app"] == 20
    assert sum(number for name, number in steps.items() if "app-2" in name) == 5 + 5
    assert sum(number for name, number in steps.items() if "stream" in name) == 3
    assert steps["state transitions"] >= 8
    assert result.aws_requests == sum(steps.values())


def test_what_is_billed_is_the_requests_of_functions_and_event_sources(result: Result) -> None:
    quantities = result.quantities
    assert quantities["SQS requests"] == 4 + 10
    assert quantities["DynamoDB write units"] == 50
    assert quantities["DynamoDB read units"] == 520.5
    assert quantities["API Gateway requests (HTTP)"] == 15
    assert quantities["Lambda requests"] == 20
    assert quantities["KMS requests"] == 2


def test_dollars_are_for_a_million_recipients(result: Result) -> None:
    dollars = result.dollars
    assert dollars["DynamoDB write units"] == pytest.approx(50 / 2000 * 0.625)
    assert dollars["DynamoDB read units"] == pytest.approx(520.5 / 2000 * 0.125)
    assert dollars["API Gateway requests (HTTP)"] == pytest.approx(15 / 2000 * 1.0)
    assert dollars["Lambda duration"] == pytest.approx(2.0 * 0.5 * prices.LAMBDA_GB_SECOND * 500)
    assert result.report["usd_per_million"] == pytest.approx(sum(dollars.values()), abs=0.001)


def test_the_report_has_the_figures_of_bench_json_and_no_others(result: Result) -> None:
    assert list(result.report) == [
        "recipients",
        "deliveries_per_second",
        "aws_requests_per_1000",
        "write_units_per_1000",
        "read_units_per_1000",
        "state_transitions_per_1000",
        "usd_per_million",
        "usd_per_million_by_function_urls",
        "usd_per_million_traced",
        "figures_requests_per_1000",
        "figures_write_units_per_1000",
        "figures_usd_per_million",
    ]
    assert result.report["write_units_per_1000"] == 25
    assert result.report["read_units_per_1000"] == 260.25


def test_everything_that_is_billed_has_a_price_and_prices_have_a_date(result: Result) -> None:
    assert set(result.quantities) <= set(prices.PER_MILLION)
    assert prices.REGION == "us-east-1"
    assert prices.DATE.startswith("202")


def test_messages_that_come_alone_cost_an_invocation_and_two_requests_each(result: Result) -> None:
    shared = 9 - 5
    invocation = 2 * 0.50e-6 + 0.20e-6
    assert result.dollars_alone - sum(result.dollars.values()) == pytest.approx(
        shared * invocation * 500
    )


def test_every_invocation_may_be_traced(result: Result) -> None:
    traced = result.dollars_traced - sum(result.dollars.values())
    assert traced == pytest.approx(20 * 5e-6 * 500)


def test_logs_are_what_the_functions_write(result: Result) -> None:
    assert result.dollars["CloudWatch logs"] == pytest.approx(1_000_000 / 1e9 * 0.50 * 500)


def test_the_benchmarks_own_requests_are_left_out() -> None:
    outside = {"-": {"sqs": {"GetQueueAttributes": 700}, "dynamodb": {"PutItem": 1}}}
    answer = {
        **COUNTS,
        "by_caller": {**COUNTS["by_caller"], **outside},
        "requests": {"sqs": {"GetQueueAttributes": 700}},
    }
    assert quiet.of_functions(answer) == COUNTS


def test_the_page_says_what_was_measured(result: Result, tmp_path: Path) -> None:
    path = tmp_path / "performance.md"
    results = dict.fromkeys(("bulk", "single", "plain", "jsms"), result)
    report = {name: result.report for name, result in results.items()} | {
        "import_ratio": {"api": 2.1, "deliver": 1.5}
    }
    bench_page.write(
        report, results, {"boto3_ms": 100.0, "api": 2.1, "deliver": 1.5}, BOUNDS, "a machine", path
    )
    page = path.read_text()
    counted, requests = result.report["usd_per_million"], result.report["aws_requests_per_1000"]
    head = "| scenario | recipients | deliveries per second | aws requests per 1000 |"
    assert page.count(head) == 2
    for name in results:
        row = next(line for line in page.splitlines() if line.startswith(f"| {name} |"))
        assert row.startswith(f"| {name} | 2,000 | ")
        assert f" | {requests:,} ({BOUNDS[name]['aws_requests_per_1000']:,}) | " in row
        assert f" | {counted:,} ({BOUNDS[name]['usd_per_million']:,}) | " in row
    assert page.count("| figures of | requests per 1000 |") == 2
    assert "{" not in page


def test_an_update_is_billed_for_its_whole_item() -> None:
    update = {
        "TableName": "lookups",
        "Key": {"pk": {"S": "a"}},
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    item = {"pk": {"S": "a"}, "text": {"S": "x" * 5000}}
    large, small = (lambda table, key: item), (lambda table, key: {})
    assert list(units.writes("UpdateItem", update, {}, large)) == [("lookups", "a", 5, "")]
    assert list(units.writes("UpdateItem", update, {}, small)) == [("lookups", "a", 1, "")]
    action = {"TransactItems": [{"Update": update}]}
    assert list(units.writes("TransactWriteItems", action, {}, large)) == [("lookups", "a", 10, "")]


def test_each_read_is_billed_at_its_partition() -> None:
    query = {
        "TableName": "due",
        "KeyConditionExpression": "#s = :s AND due <= :d",
        "ExpressionAttributeNames": {"#s": "shard"},
        "ExpressionAttributeValues": {":s": {"N": "3"}, ":d": {"S": "9"}},
    }
    assert list(units.reads("Query", query, {"Items": []})) == [("due", "3", 0.5, "")]
    assert list(units.reads("Scan", {"TableName": "due"}, {})) == [("due", "", 0.5, "")]
    found, missing = {"bucket": {"N": "1"}}, {"bucket": {"N": "2"}}
    batch = {"RequestItems": {"users": {"Keys": [found, missing], "ConsistentRead": True}}}
    answer = {"Responses": {"users": [{**found, "text": {"S": "x" * 5000}}]}}
    assert list(units.reads("BatchGetItem", batch, answer)) == [
        ("users", "1", 2.0, ""),
        ("users", "2", 1.0, ""),
    ]


def test_the_index_of_ids_costs_a_unit_for_a_new_and_a_deleted_user() -> None:
    key = {"bucket": {"N": "255"}, "userid": {"S": "ann"}}
    index = ("s-users.ids", str(user_lists.part("ann")), 1, "ann")
    condition = "ConditionExpression"
    new = {"TableName": "s-users", "Item": key, condition: "attribute_not_exists(userid)"}
    changed = {"TableName": "s-users", "Item": key, condition: "version = :version"}
    gone = {"TableName": "s-users", "Key": key, condition: "version = :version"}
    filled = {"TableName": "s-users", "Key": key, "UpdateExpression": "SET part = :part"}
    for action, costs in ((new, True), (changed, False), (gone, True), (filled, True)):
        body = {"TransactItems": [{"Action": action}]}
        used = list(units.writes("TransactWriteItems", body, {}, lambda table, key: {}))
        assert (index in used) is costs
    refused = {"__type": "ConditionalCheckFailedException"}
    assert index not in list(units.writes("PutItem", new, refused, lambda table, key: {}))
    query = {
        "TableName": "s-users",
        "IndexName": "ids",
        "KeyConditionExpression": "part = :part AND userid BETWEEN :low AND :high",
        "ExpressionAttributeValues": {":part": {"N": "3"}},
    }
    assert list(units.reads("Query", query, {"Items": []})) == [("s-users.ids", "3", 0.5, "")]


def test_function_urls_save_what_api_gateway_costs(result: Result) -> None:
    saved = sum(result.dollars.values()) - result.dollars_by_urls
    assert saved == pytest.approx(15 / 2000 * 1.0)
