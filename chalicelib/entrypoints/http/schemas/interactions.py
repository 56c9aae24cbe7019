"""The interactions of users with an access channel's messages, kept for segments."""

from __future__ import annotations

from chalicelib.entrypoints.http.schemas.base import Versioned


class Interactions(Versioned):
    """Tell if an access channel keeps interactions, and for how many days."""

    channel_key: str
    enabled: bool
    days: int
