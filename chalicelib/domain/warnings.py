"""Warnings: what is allowed but may be a mistake, as a code with values.

Their sentences are the entrypoints' (entrypoints/http/warnings.py), as those of errors are.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Code(StrEnum):
    """The kind of a warning. The comment behind a kind names the values of its sentence."""

    # of strategies
    NOT_AUTHORISED = "not_authorised"  # channel_type
    DUE_TOGETHER = "due_together"
    SHORT_TIME = "short_time"  # channel_type, delay, within
    SHORT_TIME_MEASURED = "short_time_measured"  # channel_type, delay, within, days
    CLICKS_IN_PART = "clicks_in_part"  # channel_type
    ACCEPTED_ONLY = "accepted_only"  # channel_type
    NO_DELIVERIES = "no_deliveries"  # channel_type
    # of templates
    NOT_EVERYWHERE = "not_everywhere"  # types
    NOT_A_VARIABLE = "not_a_variable"
    NO_DEFAULT = "no_default"
    LINK_BESIDE_LETTER = "link_beside_letter"  # name
    LONG_TEXT = "long_text"  # length, most
    # of simulations
    PAUSED = "paused"
    NO_LINK = "no_link"
    NO_EFFECT = "no_effect"
    # of rules of segments
    UNKNOWN_ATTRIBUTE = "unknown_attribute"
    UNKNOWN_EVENT = "unknown_event"
    OTHER_TYPE = "other_type"


class Warning(NamedTuple):
    """A warning. `field` names the part of the thing that is meant."""

    field: str
    code: Code
    values: Mapping[str, object] = {}
