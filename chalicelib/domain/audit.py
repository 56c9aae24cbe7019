"""The audit log: changes of settings and shared data, and the members or senders behind them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from enum import StrEnum

from chalicelib.domain.values import frozen

MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)


class Actor(StrEnum):
    """The kind of caller that made a change."""

    MEMBER = "member"
    ACCESS_CHANNEL = "access_channel"


@frozen
class AuditEntry:
    """A change that succeeded.

    An entry names things by their ids. It holds neither secrets nor contacts nor contents.
    """

    time: int  # ms
    suffix: str  # random: tells changes of one millisecond apart
    key: str  # the access key of the member who made the change, or the channel key
    name: str  # of the member or access channel
    method: str
    route: str  # with its parameters' names: /admin/v1/channels/{code}
    ids: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    actor: Actor = Actor.MEMBER

    @property
    def id(self) -> str:
        """An id that sorts by time."""
        return f"{self.time:013d}-{self.suffix}"

    @property
    def month(self) -> str:
        return month_of(self.time)


def month_of(time: int) -> str:
    """Return the month of a time (ms) in UTC, such as `2026-11`."""
    return datetime.fromtimestamp(time / 1000, UTC).strftime("%Y-%m")
