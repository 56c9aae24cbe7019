"""Idempotency keys: rows of `lookups`, put in the transaction of what they name."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from chalicelib.aws.items import Item, Values, to_item
from chalicelib.aws.tables import table
from chalicelib.ports import IdempotencyKey


def once_put(once: IdempotencyKey, msgid: str) -> Item:
    """Build the put of an idempotency key that is new, or has expired."""
    now = int(time.time())
    item: Values = {
        "pk": once.name,
        "digest": once.digest,
        "msgid": msgid,
        "expires": now + once.seconds,
    }
    return {
        "TableName": table("lookups"),
        "Item": to_item(item),
        "ConditionExpression": "attribute_not_exists(pk) OR expires <= :now",
        "ExpressionAttributeValues": to_item({":now": now}),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def read_once(row: Mapping[str, Any]) -> IdempotencyKey:
    return IdempotencyKey(row["pk"], row["digest"], row["msgid"])
