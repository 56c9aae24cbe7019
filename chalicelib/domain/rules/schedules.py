"""Schedules: when a stored message is sent, and which of the users have their day then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any, NamedTuple

from chalicelib.domain import crons, zones
from chalicelib.domain.errors import NeverDue
from chalicelib.domain.values import frozen

MAX_DAYS = 366  # between an occurrence and the date of a user
AHEAD = 5 * 366  # days within which a schedule must be due
# Ms after which an occurrence is late. A wake-up comes within a minute, and is repeated for three.
LATE = 5 * 60_000
LAST = "9999-12-31"
MAX_IF_LATE = 23 * 60  # minutes, below the day for which an occurrence is known to have been sent


class DateRule(NamedTuple):
    """Only users whose attribute holds a date `days` before the day of an occurrence.

    With `days` below 0 the date is after it. `yearly`: the year does not count, as for birthdays.
    """

    attribute: str
    days: int = 0
    yearly: bool = False


@frozen
class Timing:
    """The times of a schedule: `at` once, or those of `cron` until `until`.

    Times are local, as texts of ISO 8601 without an offset. `zone_attribute` names the attribute in
    which users may have a zone of their own.
    """

    zone: str
    at: str = ""
    cron: str = ""
    until: str = ""
    date_rule: DateRule | None = None
    zone_attribute: str = ""
    if_late: int = 60  # minutes within which a late occurrence is still sent, 0: never

    @property
    def place(self) -> tzinfo:
        """The zone in which occurrences begin. People with zones of their own may be anywhere."""
        return zones.EARLIEST if self.zone_attribute else _known(self.zone)


class Occurrence(NamedTuple):
    local: datetime
    at: int  # ms: when it begins


class Outcome(StrEnum):
    """The result of an occurrence."""

    SENT = "sent"
    REFUSED = "refused"  # by a check of sending, whose code says why
    MISSED = "missed"  # it was noticed too late
    IN_REVIEW = "in_review"  # nobody had approved it in time
    REJECTED = "rejected"


def check(timing: Timing, now: int) -> Occurrence:
    """Return the first occurrence after now, or raise NeverDue."""
    first = next_after(timing, now)
    if first is None and timing.at and timing.zone_attribute:
        first = _begun(timing, now)
    if first is None:
        raise NeverDue("schedule")
    return first


def _begun(timing: Timing, now: int) -> Occurrence | None:
    """Return an occurrence that has begun somewhere, and not yet in the schedule's own zone."""
    local = datetime.fromisoformat(timing.at)
    return Occurrence(local, now) if zones.moment(local, _known(timing.zone)) > now else None


def next_after(timing: Timing, after: int) -> Occurrence | None:
    """Return the first occurrence later than a time (ms), or None."""
    return next(occurrences(timing, after), None)


def occurrences(timing: Timing, after: int) -> Iterator[Occurrence]:
    """Yield the occurrences later than a time (ms), in their order."""
    place = timing.place
    if timing.at:
        local = datetime.fromisoformat(timing.at)
        at = zones.moment(local, place)
        if at > after:
            yield Occurrence(local, at)
        return
    cron, first = crons.parse(timing.cron), zones.shown(after, place).date()
    until = datetime.fromisoformat(timing.until or LAST)
    # A time that clocks leave out may come on the next day.
    for n in range(-1, AHEAD):
        day = first + timedelta(days=n)
        if day > until.date():
            return
        found = {
            at: local
            for local in cron.times(day)
            if local <= until
            for at in (zones.moments if cron.every_hour else _once)(local, place)
        }
        yield from (Occurrence(found[at], at) for at in sorted(found) if at > after)


def _once(local: datetime, place: tzinfo) -> list[int]:
    return [zones.moment(local, place)]


def is_too_late(timing: Timing, occurrence: Occurrence, now: int) -> bool:
    """Tell if an occurrence is no longer sent. The schedule's own zone counts."""
    at = occurrence.at
    if timing.zone_attribute:
        at = zones.moment(occurrence.local, _known(timing.zone))
    return now - at > max(LATE, timing.if_late * 60_000)


def _known(name: str) -> tzinfo:
    return zones.zone(name) or UTC


@frozen
class Occasion:
    """An occurrence as a message knows it: whose day it is, and when each user's time comes."""

    local: str  # ISO 8601
    zone: str
    zone_attribute: str = ""
    date_rule: DateRule | None = None

    def includes(self, attributes: Mapping[str, Any]) -> bool:
        """Tell if a user with these attributes has the day."""
        if self.date_rule is None:
            return True
        name, days, yearly = self.date_rule
        day = date_of(attributes.get(name), self._place(attributes))
        if day is None:
            return False
        wanted = datetime.fromisoformat(self.local).date() - timedelta(days=days)
        return _anniversary(day, wanted.year) == wanted if yearly else day == wanted

    def start(self, attributes: Mapping[str, Any]) -> int:
        """Return when (ms) the local time comes for a user."""
        return zones.moment(datetime.fromisoformat(self.local), self._place(attributes))

    def _place(self, attributes: Mapping[str, Any]) -> tzinfo:
        name = attributes.get(self.zone_attribute) if self.zone_attribute else None
        return (zones.zone(name) if isinstance(name, str) else None) or _known(self.zone)


def occasion(timing: Timing, local: datetime) -> Occasion | None:
    """Return the occasion of an occurrence, None where it is the same for everybody."""
    if not timing.zone_attribute and timing.date_rule is None:
        return None
    return Occasion(local.isoformat(), timing.zone, timing.zone_attribute, timing.date_rule)


def _anniversary(day: date, year: int) -> date | None:
    """Return the day in another year. The 29th of February is the 28th in most years."""
    if day.year > year:
        return None
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def date_of(value: Any, place: tzinfo) -> date | None:
    """Read the date in an attribute, in a zone if it is a moment. None: it holds no date.

    Dates are texts such as 2026-12-24, 2026/12/24 and 20261224, also with a time behind. Moments
    have an offset, or are numbers of seconds or milliseconds.
    """
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, int | float):
            seconds = value / 1000 if abs(value) >= 10**11 else value
            return datetime.fromtimestamp(seconds, UTC).astimezone(place).date()
        if not isinstance(value, str) or len(value) > 40:
            return None
        read = datetime.fromisoformat(value.strip().replace("/", "-"))
        return (read.astimezone(place) if read.tzinfo else read).date()
    except (ValueError, OverflowError, OSError):
        return None
