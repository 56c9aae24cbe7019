"""DynamoDB tables whose requests the emulator throttles, to see what callers then get."""

from __future__ import annotations

import json
from typing import Any

SLOW = "ProvisionedThroughputExceededException"


class Throttles:
    def __init__(self) -> None:
        self.tables: set[str] = set()

    def answer(self, operation: str, body: bytes) -> dict[str, Any] | None:
        """Return the error for a request of a throttled table, or None for any other request."""
        if not any(f'"{table}"'.encode() in body for table in self.tables):
            return None
        if operation != "TransactWriteItems":
            return {"__type": f"com.amazonaws.dynamodb.v20120810#{SLOW}", "message": "too fast"}
        reasons = [{"Code": "ThrottlingError"} for _ in json.loads(body)["TransactItems"]]
        return {
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "message": "Transaction cancelled",
            "CancellationReasons": reasons,
        }
