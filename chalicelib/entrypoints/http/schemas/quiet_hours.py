"""Quiet hours of an access channel."""

from __future__ import annotations

import re
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from chalicelib.domain.rules.quiet_hours import MAX_WINDOWS, Action
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import Strict, Versioned, refusal

_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}", re.ASCII)


def check_time_zone(name: str) -> str:
    """Check that a time zone is one of IANA's."""
    try:
        if _ZONE.fullmatch(name):
            ZoneInfo(name)
            return name
    except (KeyError, ValueError, OSError):  # a folder of time zones is an OSError
        pass
    raise refusal(
        PARAMETER,
        "must be an IANA time zone, such as Asia/Shanghai",
        "须为 IANA 时区，如 Asia/Shanghai",
    )


Time = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
TimeZone = Annotated[str, Field(max_length=64), AfterValidator(check_time_zone)]
OnePriority = Annotated[int, Field(ge=1, le=3)]


class QuietWindow(Strict):
    begin: Time
    end: Time
    time_zone: TimeZone
    priorities: Annotated[list[OnePriority], Field(min_length=1, max_length=3)] = [1, 2, 3]


class QuietHoursBody(Strict):
    """The windows of an access channel, and the effect that they have on a message."""

    action: Annotated[Action, Field(strict=False)]
    windows: Annotated[list[QuietWindow], Field(min_length=1, max_length=MAX_WINDOWS)]


class QuietHours(Versioned):
    """Quiet hours. `action` is null, and there is not a window, while they are off."""

    channel_key: str
    action: Action | None
    windows: list[QuietWindow]
