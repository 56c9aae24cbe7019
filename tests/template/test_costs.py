"""Counts and costs, computed by hand for small cases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.config import SUPPORTED_CHANNEL_TYPES
from infra.idle_cost import idle_cost
from infra.local.counts import Counts, operation_of
from infra.local.units import item_size
from infra.package import ROOT


def units(
    operation: str, asked: Mapping[str, Any], answered: Mapping[str, Any]
) -> tuple[dict[str, float], dict[str, float]]:
    counts = Counts()
    counts.dynamodb_units(operation, json.dumps(asked).encode(), json.dumps(answered).encode())
    found = counts.read()
    return dict(found["write_units"]), dict(found["read_units"])


def test_an_idle_stage_costs_little_more_than_twenty_dollars_a_month_as_the_readme_says(
    template: Mapping[str, Any],
) -> None:
    items = {item.what: item for item in idle_cost(template)}
    waiting = 3 * (1 + len(SUPPORTED_CHANNEL_TYPES)) + 2  # imports and callbacks have one queue
    assert items["event sources that wait at queues"].number == waiting
    assert round(items["event sources that wait at queues"].dollars / waiting, 2) == 0.26
    total = sum(item.dollars for item in items.values())
    assert total < 20.4  # of which alarms, also of queues of priority 2 and 3, are $7
    assert (
        f"(`.venv/bin/python -m infra.idle_cost`) | ${total:.2f} |"
        in (ROOT / "README.md").read_text()
    )


def test_an_item_is_as_large_as_its_names_and_values() -> None:
    assert (
        item_size({"pk": {"S": "abc"}, "flag": {"BOOL": True}, "raw": {"B": "AAAA"}})
        == 2 + 3 + 4 + 1 + 3 + 3
    )
    assert item_size({"l": {"L": [{"S": "ab"}, {"S": "c"}]}}) == 1 + 3 + (1 + 2) + (1 + 1)


def test_a_put_is_billed_by_started_kilobytes() -> None:
    assert units("PutItem", {"TableName": "t", "Item": {"v": {"S": "x" * 1023}}}, {})[0] == {"t": 1}
    assert units("PutItem", {"TableName": "t", "Item": {"v": {"S": "x" * 1024}}}, {})[0] == {"t": 2}


def test_a_transaction_is_billed_twice_and_a_refused_condition_once() -> None:
    put = {"TableName": "t", "Item": {"v": {"S": "x"}}}
    assert units("TransactWriteItems", {"TransactItems": [{"Put": put}, {"Put": put}]}, {})[0] == {
        "t": 4
    }
    assert units(
        "PutItem",
        put,
        {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"},
    )[0] == {"t": 1}
    assert (
        units("PutItem", put, {"__type": "com.amazon.coral.validate#ValidationException"})[0] == {}
    )


def test_unprocessed_writes_of_a_batch_are_not_billed() -> None:
    put = {"PutRequest": {"Item": {"v": {"S": "x"}}}}
    assert units(
        "BatchWriteItem",
        {"RequestItems": {"t": [put, put, put]}},
        {"UnprocessedItems": {"t": [put]}},
    )[0] == {"t": 2}


def test_reads_are_billed_by_four_kilobytes_and_twice_if_consistent() -> None:
    items = [{"v": {"S": "x" * 2000}}, {"v": {"S": "x" * 3000}}]
    assert units("Query", {"TableName": "t"}, {"Items": items})[1] == {"t": 1.0}
    assert units("Query", {"TableName": "t", "ConsistentRead": True}, {"Items": items})[1] == {
        "t": 2
    }
    assert units("GetItem", {"TableName": "t"}, {})[1] == {"t": 0.5}


def test_a_request_tells_its_service_its_operation_and_who_asks() -> None:
    headers = {
        "authorization": (
            "AWS4-HMAC-SHA256 Credential=000000000000/20261121/us-east-1/dynamodb/aws4_request,"
            " SignedHeaders=host"
        ),
        "x-amz-target": "DynamoDB_20120810.BatchWriteItem",
        "user-agent": "Boto3/1.43 md/Botocore#1.43 cfg/retry-mode#standard app/deliver_sms",
    }
    scope = {
        "method": "POST",
        "path": "/",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    assert operation_of(scope) == ("dynamodb", "BatchWriteItem", "deliver_sms")
