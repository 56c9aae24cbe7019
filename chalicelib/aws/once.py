"""Idempotency keys: a request under a key of its sender, kept for a day with its message."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from chalicelib.aws.items import Item, Values, to_item
from chalicelib.aws.tables import table
from chalicelib.ports import IdempotencyKey

SECONDS = 86400


def put(once: IdempotencyKey, msgid: str) -> Item:
    """Build the put of a key that is not in use."""
    now = int(time.time())
    item: Values = {
        "pk": once.name,
        "digest": once.digest,
        "msgid": msgid,
        "expires": now + SECONDS,
    }
    return {
        "TableName": table("lookups"),
        "Item": to_item(item),
        "ConditionExpression": "attribute_not_exists(pk) OR expires <= :now",
        "ExpressionAttributeValues": to_item({":now": now}),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def read(row: Mapping[str, Any]) -> IdempotencyKey:
    return IdempotencyKey(row["pk"], row["digest"], row["msgid"])
