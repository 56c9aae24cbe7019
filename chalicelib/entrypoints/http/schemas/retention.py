"""The days for which an access channel's messages are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.entrypoints.http.schemas.base import Strict, Versioned
from chalicelib.flow.rules.retention import MAX_DAYS


class RetentionBody(Strict):
    days: Annotated[int, Field(ge=1, le=MAX_DAYS)]


class Retention(Versioned):
    """The retention of an access channel. `is_default` is true if it has no days of its own."""

    channel_key: str
    days: int
    is_default: bool
