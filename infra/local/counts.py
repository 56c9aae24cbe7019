"""Count AWS requests and billed units at the emulator, from outside the code under test."""

from __future__ import annotations

import json
import math
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from infra.local import purposes, units
from infra.local.bodies import parsed

APP_ID = re.compile(r"\bapp/([^\s]+)")
SIGNED_FOR = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/")
SERVICES = {"states": "stepfunctions", "monitoring": "cloudwatch"}
OUTSIDE = "-"  # the caller outside of functions: deployment, tests


def operation_of(scope: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return service, operation and calling function of a request to AWS."""
    headers = dict(scope["headers"])

    def header(name: bytes) -> str:
        return str(headers.get(name, b"").decode("latin-1"))

    caller = APP_ID.search(header(b"user-agent"))
    signed = SIGNED_FOR.search(header(b"authorization"))
    service = signed.group(1) if signed else "unsigned"
    target = header(b"x-amz-target")
    operation = target.rpartition(".")[2] if target else str(scope["method"])
    return SERVICES.get(service, service), operation, caller.group(1) if caller else OUTSIDE


class Counts:
    """The counts, for use from any thread."""

    def __init__(self, stored: units.Stored = lambda table, key: {}) -> None:
        """Start from zero. `stored` looks up the item that a table has under a key."""
        self._stored = stored
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
        self._partitions: defaultdict[tuple[str, str], defaultdict[str, float]] = defaultdict(
            lambda: defaultdict(float)
        )
        # What serves figures, by caller.
        self._figures: defaultdict[str, defaultdict[str, float]] = defaultdict(
            lambda: defaultdict(float)
        )

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

    def dynamodb_units(
        self, operation: str, request: bytes, response: bytes, caller: str = OUTSIDE
    ) -> None:
        try:
            body, answer = parsed(request), json.loads(response)
        except ValueError:
            return
        # A failed condition is billed as the write would be. Other errors are free.
        if "__type" in answer and "ConditionalCheckFailed" not in answer["__type"]:
            return
        with self._lock:
            written = list(units.writes(operation, body, answer, self._stored))
            read = list(units.reads(operation, body, answer))
            for used in written:
                self._write_units[used.table] += int(used.units)
                self._partitions[used.table, used.partition]["writes"] += used.units
            for used in read:
                self._read_units[used.table] += used.units
                self._partitions[used.table, used.partition]["reads"] += used.units
            self._purpose(caller, written, read)

    def _purpose(
        self, caller: str, written: Sequence[units.Used], read: Sequence[units.Used]
    ) -> None:
        share = purposes.share_of_figures([*written, *read])
        if share is None:
            return
        counted = self._figures[caller]
        counted["requests"] += 1
        counted["figures"] += share
        for name, used in (("write_units", written), ("read_units", read)):
            counted[name] += sum(each.units for each in used if purposes.is_for_figures(each))

    def read(self) -> dict[str, Any]:
        with self._lock:
            return self._read()

    def partitions(self) -> list[dict[str, Any]]:
        """Return the units of each partition key."""
        with self._lock:
            return [
                {"table": table, "partition": partition, **used}
                for (table, partition), used in self._partitions.items()
            ]

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
            "figures": self._figures,
        }
