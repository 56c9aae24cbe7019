"""Report the size of a segment: as counted last, over time, and what came of its messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.groups import Group
from chalicelib.flow import segment_counts
from chalicelib.ports import World


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
