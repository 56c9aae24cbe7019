"""Queries of DynamoDB that go over pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from chalicelib.aws.clients import client
from chalicelib.aws.items import Item, from_item, to_item
from chalicelib.aws.tables import table

Given = Mapping[str, str | int | bytes | Mapping[str, int] | None]


def query(name: str, condition: str, values: Given, **more: Any) -> Iterator[dict[str, Any]]:
    """Yield the items of a query in order, with a request for each page that is needed.

    `more` are further fields of the request. A stretch that ends before it begins has no items.
    """
    return chain.from_iterable(pages(name, condition, values, **more))


def pages(
    name: str, condition: str, values: Given, *, later: int = 0, **more: Any
) -> Iterator[list[dict[str, Any]]]:
    """Yield the items of each request of a query. `later`: the limit of all but the first."""
    request: Item = {
        "TableName": table(name),
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": to_item(values),
        **more,
    }
    while not _is_empty(condition, values):
        answer = client("dynamodb").query(**request)
        yield [from_item(item) for item in answer["Items"]]
        if not answer.get("LastEvaluatedKey"):
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        request |= {"Limit": later} if later else {}


def _is_empty(condition: str, values: Given) -> bool:
    """Tell if the begin of a stretch is behind its end, which DynamoDB refuses."""
    _, between, ends = condition.rpartition(" BETWEEN ")
    if not between:
        return False
    first, last = (str(values[end]) for end in ends.split(" AND "))
    return first > last
