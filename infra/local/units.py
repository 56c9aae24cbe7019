"""DynamoDB's units, computed from the sizes of items.

A write costs a unit per started KB, twice in a transaction. A read costs half a unit per started
4 KB, and a whole unit if it is strongly consistent. The emulator itself always answers 1.
An update is billed for its whole item, which the caller looks up.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

Body = Mapping[str, Any]
Stored = Callable[[str, Body], Body]  # the item that a table has under a key, empty for none


def writes(operation: str, body: Body, answer: Body, stored: Stored) -> Counter[str]:
    """Return write units by table. `stored` looks up items after the operation."""
    units: Counter[str] = Counter()
    match operation:
        case "PutItem" | "UpdateItem" | "DeleteItem":
            units[body["TableName"]] += _write(_written(body, stored))
        case "BatchWriteItem":
            for table, requests in body["RequestItems"].items():
                unprocessed = len(answer.get("UnprocessedItems", {}).get(table, []))
                sizes = [_write(_put_size(*request.values())) for request in requests]
                units[table] += sum(sizes[: len(sizes) - unprocessed])
        case "TransactWriteItems":
            for item in body["TransactItems"]:
                (action,) = item.values()
                units[action["TableName"]] += 2 * _write(_written(action, stored))
    return units


def reads(operation: str, body: Body, answer: Body) -> Mapping[str, float]:
    """Return read units by table."""
    units: defaultdict[str, float] = defaultdict(float)
    consistent = bool(body.get("ConsistentRead"))
    match operation:
        case "GetItem":
            units[body["TableName"]] += _read(item_size(answer.get("Item", {})), consistent)
        case "Query" | "Scan":
            size = sum(map(item_size, answer.get("Items", [])))
            units[body["TableName"]] += _read(size, consistent)
        case "BatchGetItem":
            for table, keys in body["RequestItems"].items():
                units[table] += _batch_read(table, keys, answer)
        case "TransactGetItems":
            responses = answer.get("Responses", [])
            for item, response in zip(body["TransactItems"], responses, strict=False):
                size = item_size(response.get("Item", {}))
                units[item["Get"]["TableName"]] += 2 * _read(size, True)
    return units


def _batch_read(table: str, keys: Body, answer: Body) -> float:
    """Return the units of one table. A missing item is billed as an empty one."""
    items = answer.get("Responses", {}).get(table, [])
    unprocessed = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
    missing = len(keys["Keys"]) - len(items) - len(unprocessed)
    consistent = bool(keys.get("ConsistentRead"))
    sizes = [*map(item_size, items), *[0] * max(0, missing)]
    return sum(_read(size, consistent) for size in sizes)


def _write(size: int) -> int:
    return max(1, math.ceil(size / 1024))


def _read(size: int, consistent: bool) -> float:
    return max(1, math.ceil(size / 4096)) * (1 if consistent else 0.5)


def _written(action: Body, stored: Stored) -> int:
    """Return the size of a put item, or of an updated item as a whole."""
    if "Item" in action:
        return _put_size(action)
    return max(_put_size(action), item_size(stored(action["TableName"], action["Key"])))


def _put_size(action: Body) -> int:
    return item_size(action.get("Item") or action.get("Key", {}))


def item_size(item: Body) -> int:
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Body) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return len(content.strip("-").replace(".", "").strip("0")) // 2 + 2
        case "B":
            return len(content) * 3 // 4
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _value_size(member) for member in content)
        case "M":
            return 3 + len(content) + item_size(content)
        case "SS":
            return sum(len(member.encode()) for member in content)
        case "NS":
            return sum(_value_size({"N": member}) for member in content)
        case _:
            return sum(len(member) * 3 // 4 for member in content)
