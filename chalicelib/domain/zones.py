"""Time zones: the moment of a local time, also where clocks change."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

_NAME = r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}"  # compiled with the first zone
MAX_NAME = 64  # characters

# The zone in which every local time comes first. Source: IANA, Pacific/Kiritimati.
EARLIEST = timezone(timedelta(hours=14))


@lru_cache(maxsize=1024)
def zone(name: str) -> tzinfo | None:
    """Return the zone of an IANA name, or None for a name that nothing has."""
    if len(name) > MAX_NAME or not re.fullmatch(_NAME, name, re.ASCII):
        return None
    from zoneinfo import ZoneInfo  # slow to import

    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # OSError: a folder of zones
        return None


def moment(local: datetime, of: tzinfo) -> int:
    """Return the time (ms) at which clocks show a local time.

    A time that clocks leave out is as much later as they are put forward. Of a time that they show
    twice, the first counts.
    """
    return round(local.replace(tzinfo=of, fold=0).timestamp() * 1000)


def moments(local: datetime, of: tzinfo) -> list[int]:
    """Return every time (ms) at which clocks show a local time: none, one or two."""
    both = {round(local.replace(tzinfo=of, fold=fold).timestamp() * 1000) for fold in (0, 1)}
    return sorted(at for at in both if shown(at, of) == local)


def shown(at: int, of: tzinfo) -> datetime:
    """Return the local time that clocks show at a time (ms)."""
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(of).replace(tzinfo=None, fold=0)
