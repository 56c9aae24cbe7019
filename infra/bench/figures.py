"""Figures and lists of messages: the part of the emulator's counts that serves them.

Units of DynamoDB are those of their items. Requests, invocations and computing time of a function
are shared out by its requests to DynamoDB.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

READERS = {"stream ledger": "tally", "stream messages": "history"}

Numbers = Mapping[str, float]


def part_of(counts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of the counts serves figures and lists of messages."""
    shares = shares_of(counts)
    callers = {
        caller: {
            service: _scaled(operations, share)
            for service, operations in counts["by_caller"][caller].items()
        }
        for caller, share in shares.items()
    }
    units = [counts["figures"][caller] for caller in shares]
    return {
        "by_caller": callers,
        "requests": by_service(callers.values()),
        "lambda": {
            name: _scaled(counts["lambda"][name], share)
            for name, share in shares.items()
            if name in counts["lambda"]
        },
        "event_sources": {
            source: _scaled(counted, shares.get(_reader(source), 0))
            for source, counted in counts["event_sources"].items()
        },
        "api": {},
        "states": {},
        "write_units": {"figures": sum(each.get("write_units", 0) for each in units)},
        "read_units": {"figures": sum(each.get("read_units", 0) for each in units)},
        "figures": {},
    }


def shares_of(counts: Mapping[str, Any]) -> dict[str, float]:
    """Return which share of each function's requests to DynamoDB serves figures."""
    return {
        caller: counted["figures"] / counted["requests"]
        for caller, counted in counts["figures"].items()
        if caller in counts["by_caller"] and counted.get("figures")
    }


def by_service(callers: Iterable[Mapping[str, Numbers]]) -> dict[str, dict[str, float]]:
    """Return the requests of all callers together, by service and operation."""
    totals: dict[str, dict[str, float]] = {}
    for services in callers:
        for service, operations in services.items():
            total = totals.setdefault(service, {})
            for operation, number in operations.items():
                total[operation] = total.get(operation, 0) + number
    return totals


def _scaled(counted: Numbers, share: float) -> dict[str, float]:
    return {name: number * share for name, number in counted.items()}


def _reader(source: str) -> str:
    """Return the function that an event source invokes. Queues of chunks are by priority."""
    return READERS.get(source, source.rpartition("-")[0] or source)
