"""The choice of channels by what became of earlier messages to the same user."""

from __future__ import annotations

from chalicelib.entrypoints.http.schemas.base import Strict, Versioned


class ChoiceBody(Strict):
    own_rates: bool


class ChoiceRule(Versioned):
    """A switch: own rates of users are kept, and steps choose by them."""

    channel_key: str
    own_rates: bool
