"""The emulator holds requests to the partition keys that a policy allows, as DynamoDB does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.local import leading_keys
from infra.package import ROOT

TABLE = "openums-test-settings"
ARN = f"arn:aws:dynamodb:us-east-1:000000000000:table/{TABLE}"
OURS, THEIRS = {"pk": {"S": "third_party_template#a"}}, {"pk": {"S": "access#a"}}


@pytest.fixture
def iam() -> Iterator[Any]:
    """Yield a function that decides on a request of the delivery functions, as the stack does."""
    from ministack.core import iam_actions, iam_evaluator

    before = iam_actions.dynamodb_service_context, iam_evaluator._resolve_condition_key
    leading_keys.apply(iam_actions, iam_evaluator)
    policy = json.loads((ROOT / ".chalice" / "policy-deliver.json").read_text())
    (statement,) = (
        each for each in policy["Statement"] if each["Sid"] == "KeepThirdPartyTemplates"
    )
    document = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": ARN}]}

    def allows(action: str, body: dict[str, Any]) -> bool:
        context = iam_actions.dynamodb_service_context(json.dumps(body).encode())
        asked = iam_evaluator.EvalContext(
            principal_arn="arn:aws:iam::000000000000:role/x",
            principal_type="AssumedRole",
            principal_account="000000000000",
            action=f"dynamodb:{action}",
            resource_arn=ARN,
            region="us-east-1",
            service_context={name.lower(): value for name, value in context.items()},
            principal_keys={},
        )
        statements = iam_evaluator.parse_policy_document(document)
        return bool(iam_evaluator.evaluate(asked, [statements]).decision == "Allow")

    yield allows
    iam_actions.dynamodb_service_context, iam_evaluator._resolve_condition_key = before


def test_a_put_under_an_allowed_key_passes_and_another_one_does_not(iam: Any) -> None:
    assert iam("PutItem", {"TableName": TABLE, "Item": OURS})
    assert not iam("PutItem", {"TableName": TABLE, "Item": THEIRS})
    assert iam("UpdateItem", {"TableName": TABLE, "Key": OURS})
    assert not iam("UpdateItem", {"TableName": TABLE, "Key": THEIRS})


def test_a_transaction_is_held_to_its_keys_in_the_table_that_is_checked(iam: Any) -> None:
    def put(table: str, item: Any) -> dict[str, Any]:
        return {"Put": {"TableName": table, "Item": item}}

    elsewhere = put("openums-test-lookups", THEIRS)
    assert iam("PutItem", {"TransactItems": [put(TABLE, OURS), elsewhere]})
    assert not iam("PutItem", {"TransactItems": [put(TABLE, OURS), put(TABLE, THEIRS)]})


def test_every_request_names_its_keys() -> None:
    batch = {"RequestItems": {TABLE: [{"PutRequest": {"Item": OURS}}]}}
    reads = {"RequestItems": {TABLE: {"Keys": [OURS, THEIRS]}}}
    query = {
        "TableName": TABLE,
        "KeyConditionExpression": "pk = :pk AND sk > :after",
        "ExpressionAttributeValues": {":pk": {"S": "list#a"}, ":after": {"S": "b"}},
    }
    assert leading_keys.leading_keys(batch) == {TABLE: ["third_party_template#a"]}
    assert leading_keys.leading_keys(reads) == {TABLE: ["third_party_template#a", "access#a"]}
    assert leading_keys.leading_keys(query) == {TABLE: ["list#a"]}
    assert leading_keys.leading_keys({"TableName": TABLE}) == {}
    assert leading_keys.leading_keys({"TableName": TABLE, "Key": {"shard": {"N": "3"}}}) == {
        TABLE: ["3"]
    }
