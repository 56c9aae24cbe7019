"""DynamoDB's units, computed from the sizes of items.

A write costs a unit per started KB, twice in a transaction. A read costs half a unit per started
4 KB, and a whole unit if it is strongly consistent. The emulator itself always answers 1.
An update is billed for its whole item, which the caller looks up. The index of users' ids has their
keys alone. So it costs a unit for a new and a deleted user, and nothing for a changed one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from chalicelib.aws import user_lists

Body = Mapping[str, Any]

PARTITION_KEYS = ("pk", "bucket", "shard", "part")  # the names that our tables give to theirs
SORT_KEYS = ("sk", "userid", "due")


class Used(NamedTuple):
    """Units that a request used, and the item that it used them for.

    `sort`: the item's sort key, empty for a query or a scan.
    """

    table: str
    partition: str
    units: float
    sort: str = ""


Stored = Callable[[str, Body], Body]  # the item that a table has under a key, empty for none


def writes(operation: str, body: Body, answer: Body, stored: Stored) -> Iterator[Used]:
    """Yield the write units of an operation. `stored` looks up items after it."""
    match operation:
        case "PutItem" | "UpdateItem" | "DeleteItem":
            yield _used(body, _write(_written(body, stored)))
            yield from _indexed(body, answer)
        case "BatchWriteItem":
            for table, requests in body["RequestItems"].items():
                unprocessed = len(answer.get("UnprocessedItems", {}).get(table, []))
                for request in requests[: len(requests) - unprocessed]:
                    (action,) = request.values()
                    yield _used({"TableName": table, **action}, _write(_put_size(action)))
                    yield from _indexed({"TableName": table, **action}, answer)
        case "TransactWriteItems":
            for item in body["TransactItems"]:
                (action,) = item.values()
                yield _used(action, 2 * _write(_written(action, stored)))
                yield from _indexed(action, answer)


def _indexed(action: Body, answer: Body) -> Iterator[Used]:
    """Yield the unit of a user that comes into the index of ids or leaves it."""
    key = action.get("Item") or action.get("Key", {})
    is_user = action["TableName"].endswith("-users") and "userid" in key
    if not is_user or "__type" in answer or not _moves(action):
        return
    userid = key["userid"]["S"]
    part = str(user_lists.part(userid))
    yield Used(_index(action["TableName"]), part, 1, userid)


def _moves(action: Body) -> bool:
    """Tell if a write adds a user or deletes one. A condition says that a user is there."""
    if "UpdateExpression" in action:
        return "part" in action["UpdateExpression"]
    return "Item" not in action or "version" not in action.get("ConditionExpression", "")


def _index(table: str) -> str:
    return f"{table}.{user_lists.INDEX}"


def reads(operation: str, body: Body, answer: Body) -> Iterator[Used]:
    """Yield the read units of an operation."""
    consistent = bool(body.get("ConsistentRead"))
    match operation:
        case "GetItem":
            yield _used(body, _read(item_size(answer.get("Item", {})), consistent))
        case "Query" | "Scan":
            size = sum(map(item_size, answer.get("Items", [])))
            partition = queried_partition(body)
            table = body["TableName"]
            name = _index(table) if "IndexName" in body else table
            yield Used(name, partition, _read(size, consistent))
        case "BatchGetItem":
            for table, keys in body["RequestItems"].items():
                yield from _batch_read(table, keys, answer)
        case "TransactGetItems":
            responses = answer.get("Responses", [])
            for item, response in zip(body["TransactItems"], responses, strict=False):
                size = item_size(response.get("Item", {}))
                yield _used(item["Get"], 2 * _read(size, True))


def _used(action: Body, number: float) -> Used:
    key = action.get("Item") or action.get("Key", {})
    return _used_for(action["TableName"], key, number)


def _used_for(table: str, key: Body, number: float) -> Used:
    return Used(table, partition_of(key), number, _value(key, SORT_KEYS))


def partition_of(key: Body) -> str:
    """Return the value of an item's partition key."""
    return _value(key, PARTITION_KEYS)


def _value(key: Body, names: Sequence[str]) -> str:
    """Return the value of the first of these attributes that an item has."""
    for name in names:
        if name in key:
            return str(next(iter(key[name].values())))
    return ""


def queried_partition(body: Body) -> str:
    """Return the partition of a query. A scan has none."""
    names = body.get("ExpressionAttributeNames", {})
    condition = re.match(r"\s*(#?\w+)\s*=\s*(:\w+)", body.get("KeyConditionExpression", ""))
    if condition is None or names.get(condition[1], condition[1]) not in PARTITION_KEYS:
        return ""
    return str(next(iter(body["ExpressionAttributeValues"][condition[2]].values())))


def _batch_read(table: str, keys: Body, answer: Body) -> Iterator[Used]:
    """Yield the units of one table. A missing item is billed as an empty one."""
    unprocessed = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
    found = answer.get("Responses", {}).get(table, [])
    for key in keys["Keys"]:
        if key not in unprocessed:
            item = next((item for item in found if key.items() <= item.items()), {})
            units = _read(item_size(item), bool(keys.get("ConsistentRead")))
            yield _used_for(table, key, units)


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
    size = 0
    for name, value in item.items():  # a generator takes a quarter longer
        size += len(name.encode()) + _value_size(value)
    return size


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
