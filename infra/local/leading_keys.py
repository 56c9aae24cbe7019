"""Conditions of policies on the partition keys of a request to DynamoDB (`dynamodb:LeadingKeys`).

MiniStack takes them for fulfilled, since it does not know the keys. AWS compares the keys that a
request names in the table that is checked. A scan names none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra.local.bodies import parsed
from infra.local.units import partition_of, queried_partition

KEY = "dynamodb:leadingkeys"

Body = Mapping[str, Any]


def apply(actions: Any, evaluator: Any) -> None:
    context_of, resolve = actions.dynamodb_service_context, evaluator._resolve_condition_key

    def with_keys(body: bytes) -> dict[str, Any]:
        context: dict[str, Any] = context_of(body)
        try:
            return {**context, KEY: leading_keys(parsed(body or b"{}"))}
        except (ValueError, LookupError, TypeError, AttributeError):
            return context  # not a request that DynamoDB takes

    def of_the_table(key: str, context: Any) -> Any:
        if key.lower() != KEY:
            return resolve(key, context)
        table = context.resource_arn.partition(":table/")[2].partition("/")[0]
        return context.service_context.get(KEY, {}).get(table)

    actions.dynamodb_service_context = with_keys
    evaluator._resolve_condition_key = of_the_table


def leading_keys(body: Body) -> dict[str, list[str]]:
    """Return the partition keys that a request names, by table."""
    keys: dict[str, list[str]] = {}
    for table, key in _named(body):
        keys.setdefault(table, []).append(key)
    return keys


def _named(body: Body) -> Iterator[tuple[str, str]]:
    for action in _actions(body):
        table = str(action["TableName"]).rpartition("/")[2]
        if "KeyConditionExpression" in action:
            yield table, queried_partition(action)
        elif key := action.get("Item") or action.get("Key"):
            yield table, partition_of(key)


def _actions(body: Body) -> Iterator[Body]:
    """Yield the single actions of a request, each with its table."""
    for item in body.get("TransactItems", ()):
        yield from item.values()
    for table, requests in body.get("RequestItems", {}).items():
        if isinstance(requests, dict):
            yield from ({"TableName": table, "Key": key} for key in requests["Keys"])
        else:
            for request in requests:
                yield from ({"TableName": table, **action} for action in request.values())
    if "TableName" in body:
        yield body
