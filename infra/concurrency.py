"""Functions that a stage may run at once, and a smaller `concurrency` that fits an account."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

ROOM_FOR_API = 100  # functions: 500 requests a second of a fifth of a second each
LEAST = 2  # Lambda takes no smaller MaximumConcurrency


def sources(template: Mapping[str, Any]) -> dict[str, list[int]]:
    """Return the MaximumConcurrency of every queue's event source, by priority."""
    by_priority: dict[str, list[int]] = {}
    for resource in template["Resources"].values():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            if event["Type"] == "SQS":
                priority = re.findall(r"(\d)Queue", str(event["Properties"]["Queue"]))[0]
                most = event["Properties"]["ScalingConfig"]["MaximumConcurrency"]
                by_priority.setdefault(priority, []).append(most)
    return by_priority


def reserved(parameters: Mapping[str, str]) -> int:
    """Return how many functions a stack with these parameters reserves, for receipts."""
    is_on = parameters.get("ReceiptsUrl") == "on"
    return int(float(parameters.get("ReceiptsConcurrency") or 0)) if is_on else 0


def fitting(waiting: Mapping[str, Sequence[int]], room: int) -> dict[str, int] | None:
    """Return a `concurrency` in about the same proportions whose sum fits, if there is one."""
    if LEAST * sum(map(len, waiting.values())) > room:
        return None
    share = room / sum(map(sum, waiting.values()))
    smaller = {
        priority: max(LEAST, int(min(most) * share)) for priority, most in sorted(waiting.items())
    }
    while sum(smaller[priority] * len(most) for priority, most in waiting.items()) > room:
        largest = max(smaller, key=lambda priority: smaller[priority])
        smaller[largest] -= 1
    return smaller
