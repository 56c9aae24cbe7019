"""Report how many users have a contact, as it was counted last."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.errors import NotFound
from chalicelib.flow import coverage
from chalicelib.ports import World
from chalicelib.reports.statistics import rate


def shown(world: World, key: str) -> dict[str, Any]:
    """Return coverage by channel type and delivery channel.

    Raises NotFound without such an access channel.
    """
    if key and world.settings.access_channel(key) is None:
        raise NotFound("access channel")
    document = coverage.show(world, key)
    body = document.body if document else {"position": "", "channels": {}, "counted": None}
    counted = body["counted"] or {"time": None, "users": 0, "types": {}, "channels": {}}
    everyone = counted["users"]
    state = "done" if body["counted"] else "none"
    return {
        "state": "running" if body["position"] else state,
        "counted": counted["time"],
        "users": everyone,
        "channel_types": [
            {"channel_type": kind, "users": n, "share": rate(n, everyone)}
            for kind, n in sorted(counted["types"].items())
        ],
        "delivery_channels": [
            {
                "delivery_channel": code,
                "channel_type": body["channels"][code],
                "users": n,
                "share": rate(n, everyone),
            }
            for code, n in sorted(counted["channels"].items())
            if code in body["channels"]
        ],
    }
