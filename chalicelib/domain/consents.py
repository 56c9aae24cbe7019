"""Consent: what a contact has agreed to, for a purpose of an access channel."""

from __future__ import annotations

from typing import NamedTuple

RULE = "consents"  # in AccessChannel.rules
NO_CONSENT = "no_consent"


class Consent(NamedTuple):
    """The last word of a contact on a purpose: given or taken back, where, when, to which text."""

    given: bool
    time: int  # ms
    source: str = ""
    text_version: str = ""
