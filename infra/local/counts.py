"""What AWS would have been asked, and would have billed: counted at the emulator, from outside the code under test."""

from __future__ import annotations

import json
import math
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

APP_ID = re.compile(r"\bapp/([^\s]+)")
SIGNED_FOR = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/")
SERVICES = {"states": "stepfunctions", "monitoring": "cloudwatch"}
OUTSIDE = "-"  # the caller of what no function asked for: deployment, tests


def operation_of(scope: Mapping[str, Any]) -> tuple[str, str, str]:
    """Service, operation and calling function of a request to AWS."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    caller = APP_ID.search(headers.get("user-agent", ""))
    signed = SIGNED_FOR.search(headers.get("authorization", ""))
    service = signed.group(1) if signed else "unsigned"
    target = headers.get("x-amz-target", "")
    operation = target.rpartition(".")[2] if target else str(scope["method"])
    return SERVICES.get(service, service), operation, caller.group(1) if caller else OUTSIDE


class Counts:
    """Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._requests: Counter[tuple[str, str, str]] = Counter()  # caller, service, operation
        self._api: Counter[str] = Counter()
        self._lambda: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._sources: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._states: Counter[str] = Counter()
        self._write_units: Counter[str] = Counter()
        self._read_units: defaultdict[str, float] = defaultdict(float)

    def aws_request(self, service: str, operation: str, caller: str) -> None:
        with self._lock:
            self._requests[caller, service, operation] += 1

    def api_request(self, method: str) -> None:
        with self._lock:
            self._api[method] += 1

    def invocation(self, function: str, milliseconds: float, failed: bool) -> None:
        with self._lock:
            self._lambda[function]["invocations"] += 1
            self._lambda[function]["milliseconds"] += math.ceil(milliseconds)
            self._lambda[function]["errors"] += failed

    def event_source(self, source: str, what: str, number: int = 1) -> None:
        with self._lock:
            self._sources[source][what] += number

    def state(self, what: str) -> None:
        with self._lock:
            self._states[what] += 1

    def dynamodb_units(self, operation: str, request: bytes, response: bytes) -> None:
        try:
            asked, answered = json.loads(request), json.loads(response)
        except ValueError:
            return
        if "__type" in answered and "ConditionalCheckFailed" not in answered["__type"]:
            return  # a condition that does not hold is billed as the write would be; other errors are free
        with self._lock:
            self._write_units.update(_writes(operation, asked, answered))
            for table, units in _reads(operation, asked, answered).items():
                self._read_units[table] += units

    def read(self) -> dict[str, Any]:
        with self._lock:
            return self._read()

    def reset(self) -> dict[str, Any]:
        with self._lock:
            before = self._read()
            self._clear()
            return before

    def _read(self) -> dict[str, Any]:
        requests: defaultdict[str, Counter[str]] = defaultdict(Counter)
        callers: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(
            lambda: defaultdict(Counter)
        )
        for (caller, service, operation), number in self._requests.items():
            requests[service][operation] += number
            callers[caller][service][operation] += number
        return {
            "requests": requests,
            "by_caller": callers,
            "api": self._api,
            "lambda": self._lambda,
            "event_sources": self._sources,
            "states": self._states,
            "write_units": self._write_units,
            "read_units": self._read_units,
        }


# ---- DynamoDB's units, from the sizes of items: a write per started KB (twice in a transaction), half a read per started 4 KB
# (a whole one if strongly consistent). The emulator itself always answers 1. An update is taken to be as large as the values it
# sets (the emulator's table is not looked into): small items, as ours are.


def item_size(item: Mapping[str, Any]) -> int:
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
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
            return 3 + sum(1 + _value_size(each) for each in content)
        case "M":
            return 3 + sum(
                1 + len(name.encode()) + _value_size(each) for name, each in content.items()
            )
        case "SS":
            return sum(len(each.encode()) for each in content)
        case "NS":
            return sum(_value_size({"N": each}) for each in content)
        case _:
            return sum(len(each) * 3 // 4 for each in content)


def _write(size: int) -> int:
    return max(1, math.ceil(size / 1024))


def _read(size: int, consistent: bool) -> float:
    return max(1, math.ceil(size / 4096)) * (1 if consistent else 0.5)


def _writes(operation: str, asked: Mapping[str, Any], answered: Mapping[str, Any]) -> Counter[str]:
    """Write units by table."""
    units: Counter[str] = Counter()
    match operation:
        case "PutItem" | "UpdateItem" | "DeleteItem":
            units[asked["TableName"]] += _write(_written(asked))
        case "BatchWriteItem":
            for name, requests in asked["RequestItems"].items():
                unprocessed = len(answered.get("UnprocessedItems", {}).get(name, []))
                sizes = [_write(_written(next(iter(each.values())))) for each in requests]
                units[name] += sum(sizes[: len(sizes) - unprocessed])
        case "TransactWriteItems":
            for each in asked["TransactItems"]:
                ((_, action),) = each.items()
                units[action["TableName"]] += 2 * _write(_written(action))
    return units


def _reads(
    operation: str, asked: Mapping[str, Any], answered: Mapping[str, Any]
) -> dict[str, float]:
    """Read units by table."""
    units: defaultdict[str, float] = defaultdict(float)
    consistent = bool(asked.get("ConsistentRead"))
    match operation:
        case "GetItem":
            units[asked["TableName"]] += _read(item_size(answered.get("Item", {})), consistent)
        case "Query" | "Scan":
            units[asked["TableName"]] += _read(
                sum(item_size(item) for item in answered.get("Items", [])), consistent
            )
        case "BatchGetItem":
            for name, keys in asked["RequestItems"].items():
                items = answered.get("Responses", {}).get(name, [])
                missing = (
                    len(keys["Keys"])
                    - len(items)
                    - len(answered.get("UnprocessedKeys", {}).get(name, {}).get("Keys", []))
                )
                strong = bool(keys.get("ConsistentRead"))
                units[name] += sum(_read(item_size(item), strong) for item in items) + max(
                    0, missing
                ) * _read(0, strong)
        case "TransactGetItems":
            for each, found in zip(
                asked["TransactItems"], answered.get("Responses", []), strict=False
            ):
                units[each["Get"]["TableName"]] += 2 * _read(item_size(found.get("Item", {})), True)
    return units


def _written(action: Mapping[str, Any]) -> int:
    """The size of what is put; of an update, its key and the values it sets."""
    return item_size(
        action.get("Item")
        or {**action.get("Key", {}), **action.get("ExpressionAttributeValues", {})}
    )
