"""The audit log: who changed what through the management API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True)
class AuditEntry:
    """One change that succeeded. It names things by their ids, and holds no secrets, contacts or contents."""

    time: int  # ms
    suffix: str  # random: tells changes of one millisecond apart
    key: str  # the access key of who did it
    member: str  # and their name
    method: str
    route: str  # with its parameters' names: /admin/v1/channels/{code}
    ids: Mapping[str, str] = field(default_factory=dict)
    status: int = 200

    @property
    def id(self) -> str:
        """Sorts by time."""
        return f"{self.time:013d}-{self.suffix}"

    @property
    def month(self) -> str:
        return month_of(self.time)


def month_of(time: int) -> str:
    """`2026-11` (UTC)."""
    return datetime.fromtimestamp(time / 1000, UTC).strftime("%Y-%m")
