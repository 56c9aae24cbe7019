"""Report the size of a segment: as counted last, over time, and what came of its messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.funnel import STAGES
from chalicelib.domain.groups import Group
from chalicelib.flow import segment_counts
from chalicelib.flow.days import DAY, day_of, offset
from chalicelib.ports import World
from chalicelib.reports import messages

SENT = 100  # messages whose figures are added
MOST_DAYS = 730


def count_of(world: World, segment: Group) -> dict[str, Any]:
    """Return the exact number of members, as counted last, and how far a count under way is."""
    document = segment_counts.show(world, segment.number)
    body: Mapping[str, Any] = document.body if document else {"position": "", "counted": None}
    counted, position = body["counted"], body["position"]
    bucket = int(position[:3]) if position.strip() else 0
    state, progress = ("done", 100) if counted else ("none", 0)
    if position:
        state, progress = "running", bucket * 100 // keys.BUCKETS
    return {
        "state": state,
        "progress": progress,
        "counted": counted["time"] if counted else None,
        "users": counted["users"] if counted else 0,
        "contacts": counted["contacts"] if counted else {},
        "is_outdated": bool(counted) and counted["rule"] != segment_counts.digest(segment.rule),
    }


def analysis(world: World, segment: Group, days: int) -> dict[str, Any]:
    """Return the segment's size on each day, and the results of the messages sent to it."""
    now = world.clock.now()
    name, _ = segment_counts.size_key(segment.number, 0)
    last = day_of(world.limits, now)
    sizes = world.figures.between(name, f"{last - days + 1:06d}", f"{last:06d}")
    rows = messages.rows_of(world, world.messages.of_segment(segment.number, SENT))
    since = now - days * DAY
    recent = [row for row in rows if keys.message_time(row.summary.msgid) >= since]
    total = Counter[str]()
    for row in recent:
        total.update({stage: (row.line or {}).get(stage, 0) for stage in STAGES})
    return {
        "sizes": [
            {
                "day": int(size.key[1]) * DAY - offset(world.limits),
                "users": size.body["users"],
                "contacts": size.body["contacts"],
            }
            for size in sizes
        ],
        "messages": [_message(row) for row in recent],
        "users": messages.funnel_of(total),
    }


def _message(row: messages.Row) -> dict[str, Any]:
    return {
        "msgid": row.summary.msgid,
        "name": row.summary.name,
        "accepted": keys.message_time(row.summary.msgid),
        "status": row.status,
        "users": messages.funnel_of(row.line) if row.line is not None else None,
    }
