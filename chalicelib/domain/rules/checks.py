"""The checks of a message in their one order. docs/reference/sending-rules.md has the same table.

Each check has its stage: the whole message, each target of a chunk, or each target of a later step.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Stage(StrEnum):
    MESSAGE = "message"  # when a request is accepted. What fails is an error of the request.
    TARGET = "target"  # when a chunk is planned. What fails is a loss of the target.
    STEP = "step"  # when a target enters a later step of the strategy


class Check(NamedTuple):
    """A check, what it may lead to, and the stem of its modules in `domain/` or `domain/rules/`.

    `outcomes` are codes of errors and reasons of a hold at the stage of the message. Targets have
    reasons of a loss, and steps reasons of a hold.
    """

    stage: Stage
    name: str
    outcomes: tuple[str, ...]


_UNCHOSEN = ("dearer", "lower_rate", "lower_own_rate", "less_preferred", "stands_later")

CHECKS = (
    Check(Stage.MESSAGE, "review", ("1015023", "1019071")),
    Check(Stage.MESSAGE, "lists and segment", ("1015046", "1019005", "1019006")),
    Check(Stage.MESSAGE, "template", ("1015031", "1015073", "1015084")),
    Check(Stage.MESSAGE, "strategy", ("1015026", "1019001")),
    Check(Stage.MESSAGE, "third-party template", ("1019008",)),
    Check(Stage.MESSAGE, "topic", ("1019007",)),
    Check(Stage.MESSAGE, "callback address", ("1019061",)),
    Check(Stage.MESSAGE, "sensitive words", ("1015034",)),
    Check(Stage.MESSAGE, "quiet hours", ("1015038", "quiet_hours")),
    Check(Stage.MESSAGE, "broadcast quota", ("1015029",)),
    Check(Stage.TARGET, "A/B test", ("holdout",)),
    Check(Stage.TARGET, "user", ("unknown_user",)),
    Check(Stage.TARGET, "day of the schedule", ("other_day",)),
    Check(Stage.TARGET, "blacklist", ("blacklisted",)),
    Check(Stage.TARGET, "whitelist", ("not_whitelisted",)),
    Check(Stage.TARGET, "suppressions", ("suppressed", "opted_out", "contact_gone")),
    Check(Stage.TARGET, "contacts", ("no_contact",)),
    Check(Stage.TARGET, "preferences", ("unwanted", "quiet_time")),
    Check(Stage.TARGET, "consent", ("no_consent",)),
    Check(Stage.TARGET, "personal values", ("no_value", "unfit_value")),
    Check(Stage.TARGET, "sensitive words", ("sensitive_value",)),
    Check(Stage.TARGET, "choice of a channel", _UNCHOSEN),
    Check(Stage.TARGET, "caps", ("capped",)),
    Check(Stage.STEP, "quiet hours", ("quiet_hours",)),
    Check(Stage.STEP, "preferences", ("quiet_time",)),
    Check(Stage.STEP, "caps", ("capped",)),
)
