"""Lists of users: bucket by bucket, in any order, or by the beginning of their ids."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from chalicelib.aws.clients import client
from chalicelib.aws.items import Values, from_item, to_item
from chalicelib.aws.queries import query
from chalicelib.aws.tables import table
from chalicelib.domain import keys

LAST = "\U0010ffff"  # the last of all characters
INDEX = "ids"  # the keys alone, so that only a new or a deleted user costs a write
PARTS = 4  # of the index, so that an upload writes to several keys
RESERVED = {"#bucket": "bucket"}  # a word that an expression must not use bare

Row = dict[str, Any]


def key_of(userid: str) -> dict[str, str | int]:
    return {"bucket": keys.bucket(userid), "userid": userid}


def part(userid: str) -> int:
    """Return the part of the index that a user is in."""
    return keys.bucket(userid) * PARTS // keys.BUCKETS


def any_order(after: str, limit: int) -> list[Row]:
    """Read the next users after an id, in an order that stays. A page takes one request."""
    request: dict[str, Any] = {"TableName": table("users"), "ConsistentRead": True}
    if after:
        request["ExclusiveStartKey"] = to_item(key_of(after))
    rows: list[Row] = []
    while len(rows) < limit:
        answer = client("dynamodb").scan(**request, Limit=limit - len(rows))
        rows += map(from_item, answer["Items"])
        if not answer.get("LastEvaluatedKey"):
            break
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    return rows


def beginning_with(prefix: str, after: str, limit: int) -> list[str]:
    """Read the next user ids with a prefix after a user id, in order.

    A page takes a request for each part of the index. The index lags behind by some milliseconds.
    """
    merged = heapq.merge(*(_ids(number, prefix, after, limit) for number in range(PARTS)))
    return list(islice(merged, limit))


def _ids(number: int, prefix: str, after: str, limit: int) -> Iterator[str]:
    low = max(after + "\0" if after else "", prefix)
    values: Values = {":part": number, ":low": low, ":high": prefix + LAST}
    condition = "part = :part AND userid BETWEEN :low AND :high"
    rows = query("users", condition, values, IndexName=INDEX, Limit=limit)
    return (str(row["userid"]) for row in islice(rows, limit))


def bucket(bucket: int, after: str, prefix: str, limit: int) -> list[Row]:
    """Read the next users of a bucket after a user id. `prefix`: only ids that begin with it."""
    # Texts are ordered by their bytes in UTF-8.
    # No text lies between a text and the same text with a NUL behind it.
    low, high = max(after + "\0" if after else "", prefix), prefix + LAST
    if low > high:
        return []
    bounds = {":low": low, ":high": high} if low else {":high": high}
    within = "BETWEEN :low AND :high" if low else "<= :high"
    request: dict[str, Any] = {
        "TableName": table("users"),
        "KeyConditionExpression": f"#bucket = :b AND userid {within}",
        "ExpressionAttributeNames": RESERVED,
        "ExpressionAttributeValues": to_item({":b": bucket, **bounds}),
        "ConsistentRead": True,
    }
    rows: list[Row] = []
    while len(rows) < limit:
        answer = client("dynamodb").query(**request, Limit=limit - len(rows))
        rows += map(from_item, answer["Items"])
        if not answer.get("LastEvaluatedKey"):
            break
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    return rows


def fill_parts(
    dynamodb: Any, name: str, after: Mapping[str, Any] | None = None, limit: int = 1000
) -> tuple[int, Mapping[str, Any] | None]:
    """Add to the index those of the next users in a table that an older release stored.

    Return how many were added, and the key after which the next call goes on, None at the end.
    A call looks at `limit` users at most. A repeat changes nothing.
    """
    request = {"ExclusiveStartKey": after} if after else {}
    answer = dynamodb.scan(
        TableName=name,
        Limit=limit,
        FilterExpression="attribute_not_exists(part)",
        ProjectionExpression="#bucket, userid",
        ExpressionAttributeNames=RESERVED,
        **request,
    )
    added = sum(_fill_part(dynamodb, name, item["userid"]["S"]) for item in answer["Items"])
    return added, answer.get("LastEvaluatedKey")


def _fill_part(dynamodb: Any, name: str, userid: str) -> bool:
    """Add a user to the index, unless it was deleted or written again meanwhile."""
    try:
        dynamodb.update_item(
            TableName=name,
            Key=to_item(key_of(userid)),
            UpdateExpression="SET part = :part",
            ConditionExpression="attribute_exists(userid) AND attribute_not_exists(part)",
            ExpressionAttributeValues=to_item({":part": part(userid)}),
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True
