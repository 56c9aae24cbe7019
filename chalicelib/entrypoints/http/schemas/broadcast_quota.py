"""The broadcasts that an access channel may send in a day."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.entrypoints.http.schemas.base import Strict, Versioned

MAX_BROADCASTS = 1_000_000


class BroadcastQuotaBody(Strict):
    per_day: Annotated[int, Field(ge=0, le=MAX_BROADCASTS)]


class BroadcastQuota(Versioned):
    """The quota of a day. `per_day` is null without a quota, and then nothing is counted."""

    channel_key: str
    per_day: int | None
    used: int
    date: str
    ends: int
