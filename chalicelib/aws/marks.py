"""Marks of messages that count under frequency caps: an item per person and access channel.

A version guards each item. An item of which all marks are over expires.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.aws.clients import client
from chalicelib.aws.items import (
    TRANSACTION,
    Cancelled,
    Contended,
    Item,
    get_many,
    pack,
    to_item,
    transact,
    unpack,
)
from chalicelib.aws.tables import table
from chalicelib.domain.rules.caps import Mark, Marks


class MarkStore:
    def get(self, names: Sequence[str]) -> Mapping[str, Marks]:
        rows = get_many(table("lookups"), ({"pk": name} for name in names), consistent=True)
        return {
            row["pk"]: Marks(tuple(Mark(*mark) for mark in unpack(row["marks"])), row["version"])
            for row in rows
        }

    def put(self, changed: Mapping[str, Marks]) -> frozenset[str]:
        puts = [(name, _put(name, marks)) for name, marks in changed.items()]
        if len(puts) == 1:
            return frozenset() if _put_alone(puts[0][1]) else frozenset(changed)
        lost: set[str] = set()
        for start in range(0, len(puts), TRANSACTION):
            lost |= _put_together(puts[start : start + TRANSACTION])
        return frozenset(lost)


def _put(name: str, marks: Marks) -> dict[str, Any]:
    until = max((mark.until for mark in marks.marks), default=0)
    item: Item = to_item(
        {
            "pk": name,
            "marks": pack(marks.marks),
            "version": secrets.token_hex(8),
            "expires": until // 1000 + 1,
        }
    )
    put = {"TableName": table("lookups"), "Item": item}
    if not marks.version:
        return {**put, "ConditionExpression": "attribute_not_exists(pk)"}
    values = to_item({":version": marks.version})
    condition = "attribute_exists(pk) AND version = :version"
    return {**put, "ConditionExpression": condition, "ExpressionAttributeValues": values}


def _put_alone(put: Mapping[str, Any]) -> bool:
    """Put one item, which costs half of a transaction. Return False if it was changed."""
    from botocore.exceptions import ClientError

    try:
        client("dynamodb").put_item(**put, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    except ClientError as error:
        if "ConditionalCheckFailed" not in str(error.response.get("Error", {}).get("Code")):
            raise
        # When an answer gets lost, the SDK tries again: the stored item may be its first try.
        stored = error.response.get("Item", {})
        return bool(stored.get("version") == put["Item"]["version"])
    return True


def _put_together(puts: list[tuple[str, dict[str, Any]]]) -> set[str]:
    """Put items in one transaction. Leave out those that were changed, and return their names."""
    lost: set[str] = set()
    while puts:
        try:
            transact([{"Put": put} for _, put in puts])
            break
        except Cancelled as error:
            lost |= {name for (name, _), failed in zip(puts, error.failed, strict=True) if failed}
            puts = [(name, put) for name, put in puts if name not in lost]
        except Contended:  # others wrote these items in every round, so they were faster
            return lost | {name for name, _ in puts}
    return lost
