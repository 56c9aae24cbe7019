"""Quiet hours: windows of the wall clock in which an access channel sends nothing.

A window is quiet while the clock of its time zone shows a time in it. That holds over midnight, and
on days on which clocks are changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import Invalid
from chalicelib.domain.values import frozen

MAX_WINDOWS = 15
DAY = 86_400_000  # ms
WEEKS = 53  # of the year to come, in each of which every priority has a time to send


class Action(StrEnum):
    REFUSE = "refuse"
    HOLD = "hold"  # until the quiet hours end


@frozen
class Window:
    """A window. `begin` and `end` are minutes of the day, and `end` is not in it."""

    begin: int
    end: int
    time_zone: str
    priorities: tuple[Priority, ...]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def has(self, at: int) -> bool:
        """Tell if the clock shows a time of the window at a moment (ms)."""
        clock = datetime.fromtimestamp(at // 1000, self.zone)
        minute = clock.hour * 60 + clock.minute
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end

    def ends(self, at: int) -> int:
        """Return the first moment (ms) after `at` that is not in the window."""
        return min(moment for moment in self._turns(at) if moment > at and not self.has(moment))

    def _turns(self, at: int) -> Iterator[int]:
        """Yield the moments at which the window may end: its own ends, and changes of clocks."""
        zone = self.zone
        today = datetime.fromtimestamp(at // 1000, zone).date()
        for days in range(4):
            yield from self._ends_on(today + timedelta(days=days), zone)
        yield from _clock_changes(zone, at, at + 4 * DAY)

    def _ends_on(self, day: date, zone: ZoneInfo) -> Iterator[int]:
        """Yield the moments at which the clock shows the end. It may do so twice on a day."""
        for fold in (0, 1):
            clock = time(self.end // 60, self.end % 60, tzinfo=zone, fold=fold)
            yield round(datetime.combine(day, clock).timestamp()) * 1000


def _clock_changes(zone: ZoneInfo, start: int, stop: int) -> Iterator[int]:
    """Yield the moment (ms) within some days at which the clocks are changed, if there is one."""
    low, high = start // 1000, stop // 1000
    before = _offset(zone, low)
    if before == _offset(zone, high):
        return
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    yield high * 1000


def _offset(zone: ZoneInfo, seconds: int) -> timedelta | None:
    return datetime.fromtimestamp(seconds, zone).utcoffset()


def quiet_until(windows: Sequence[Window], priority: Priority, at: int) -> int | None:
    """Return the first moment (ms) at which nothing is quiet any more, None if nothing is at `at`.

    Windows that meet or overlap count as one.
    """
    of_priority = [window for window in windows if priority in window.priorities]
    until = at
    while until - at < 2 * DAY:
        ends = [window.ends(until) for window in of_priority if window.has(until)]
        if not ends:
            break
        until = max(ends)
    return until if until > at else None


def check(windows: Sequence[Window], now: int) -> None:
    """Raise Invalid for windows that leave a priority no time to send.

    Clocks are changed in the course of a year, so every week of it is tried.
    """
    for n, window in enumerate(windows):
        if window.begin == window.end:
            raise Invalid(f"windows[{n}].end", "must differ from `begin`")
    for priority in Priority:
        for week in range(WEEKS):
            at = now + week * 7 * DAY
            until = quiet_until(windows, priority, at)
            if until is not None and until - at >= 2 * DAY:
                reason = "leave no time to send messages of priority {priority}"
                raise Invalid("windows", reason, priority=priority.value)


def read(settings: Mapping[str, Any]) -> Sequence[Window]:
    """Read the windows of an access channel's settings."""
    return [
        Window(
            minutes(window["begin"]),
            minutes(window["end"]),
            window["time_zone"],
            tuple(Priority(priority) for priority in window["priorities"]),
        )
        for window in settings["windows"]
    ]


def minutes(text: str) -> int:
    """Return the minute of the day of a time like `22:00`."""
    hours, rest = text.split(":")
    return int(hours) * 60 + int(rest)
