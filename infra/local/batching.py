"""Batching windows: records and messages gather before they reach a function.

Source: AWS Lambda Developer Guide, "Batching behavior" (2026-11). A batch is handed over when it is
full, or when its window has passed. The window begins with the first record or message.
MiniStack 1.5.33 stores the windows and waits for none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

Record = dict[str, Any]


def apply(svc: Any, dynamodb: Any, sqs: Any, clock: Callable[[], float] = time.time) -> None:
    """Make MiniStack wait for batching windows. Call once, before MiniStack serves.

    `clock` returns seconds since the epoch.
    """
    read, receive = dynamodb.stream_records_since, sqs._receive_messages_for_esm

    def read_complete(table: str, position: int, size: int) -> list[Record]:
        records: list[Record] = read(table, position, size)
        times = [float(record["dynamodb"]["ApproximateCreationDateTime"]) for record in records]
        return records if is_complete(times, size, f":table/{table}/") else []

    def receive_complete(url: str, size: int) -> list[Record]:
        times = _waiting(sqs._queues.get(url), clock())
        if not is_complete(times, size, f":{url.rpartition('/')[2]}/"):
            return []
        messages: list[Record] = receive(url, size)
        return messages

    def is_complete(times: Sequence[float], size: int, source: str) -> bool:
        """Tell if a batch of what came at these times may be handed over."""
        if not times or len(times) >= size:
            return bool(times)
        return clock() >= min(times) + _window(svc, source)

    dynamodb.stream_records_since = read_complete
    sqs._receive_messages_for_esm = receive_complete


def _waiting(queue: dict[str, Any] | None, now: float) -> list[float]:
    """Return when each message that may be received became visible."""
    messages = list(queue["messages"]) if queue else []
    times = (float(message.get("visible_at", message["sent_at"])) for message in messages)
    return [at for at in times if at <= now]


def _window(svc: Any, source: str) -> float:
    """Return the seconds of the event source with a name in its ARN. The longest of several."""
    windows = [
        float(esm.get("MaximumBatchingWindowInSeconds", 0))
        for *_, esm in svc._iter_all_esms()
        if source in f"{esm.get('EventSourceArn', '')}/"
    ]
    return max(windows, default=0.0)
