"""Fair queues: SQS serves quiet message groups of a standard queue before noisy ones.

Source: Amazon SQS Developer Guide, "Fair queues" (2025-07). A group with few messages in flight
goes before one with many. MiniStack 1.5.33 serves standard queues in the order of arrival.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

Message = dict[str, Any]


def apply(sqs: Any) -> None:
    collect = sqs._collect_msgs

    def collect_fairly(queue: dict[str, Any], most: int, visibility: int) -> list[Message]:
        if not queue["is_fifo"]:
            queue["messages"] = in_turn(queue["messages"], time.time())
        taken: list[Message] = collect(queue, most, visibility)
        return taken

    sqs._collect_msgs = collect_fairly


def in_turn(messages: Sequence[Message], now: float) -> list[Message]:
    """Return the messages in the order in which they are served.

    The next one is of the group with the fewest messages in flight, those before it included. A
    message without a group is a group of its own.
    """
    groups = {message.get("group_id") for message in messages}
    if len(groups) < 2:
        return list(messages)
    is_waiting = [message.get("visible_at", 0) <= now for message in messages]
    ahead = Counter(
        message.get("group_id")
        for message, waits in zip(messages, is_waiting, strict=True)
        if not waits and message.get("receive_count")
    )
    ranks: list[int] = []
    for message, waits in zip(messages, is_waiting, strict=True):
        group = message.get("group_id")
        ranks.append(ahead[group] if waits and group else 0)
        ahead[group] += waits
    order = sorted(range(len(messages)), key=lambda n: ranks[n])
    return [messages[n] for n in order]
