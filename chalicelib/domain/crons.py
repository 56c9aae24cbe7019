"""Cron expressions of five fields: minute, hour, day of the month, month, day of the week."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time

from chalicelib.domain.errors import Invalid
from chalicelib.domain.sentences import Sentence
from chalicelib.domain.values import frozen

MAX_TEXT = 100  # characters
PER_HOUR = 12  # runs of an hour, five minutes apart on average

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(r"(\*|(\w{1,3})(?:-(\w{1,3}))?)(?:/(\d{1,2}))?", re.ASCII)
# name, first value, last value, names of values
FIELDS: Sequence[tuple[str, int, int, Sequence[str]]] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _WEEKDAYS),
)


@frozen
class Cron:
    """The times of a cron expression. Days of the week count from 0, which is Sunday."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool  # both kinds of days are limited: one of them is enough
    every_hour: bool  # the hour is `*` or `*/n`: real hours count, also when clocks change

    def is_on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return of_month or of_week if self.either else of_month and of_week

    def times(self, day: date) -> list[datetime]:
        """Return the local times of a day, in their order."""
        if not self.is_on(day):
            return []
        return [
            datetime.combine(day, time(hour, minute))
            for hour in self.hours
            for minute in self.minutes
        ]


def parse(text: str) -> Cron:
    """Read an expression. Raise Invalid for a wrong one, and for more than PER_HOUR runs."""
    fields = text.split()
    if len(fields) != len(FIELDS):
        reason = "five fields: minute, hour, day of the month, month, day of the week"
        raise Invalid("cron", reason)
    minutes, hours, days, months, weekdays = (
        _values(field, *described) for field, described in zip(fields, FIELDS, strict=True)
    )
    if len(minutes) > PER_HOUR:
        raise Invalid("cron", "at most {most} runs an hour", most=PER_HOUR)
    _, hour, day, _, weekday = fields
    return Cron(
        tuple(sorted(minutes)),
        tuple(sorted(hours)),
        days,
        months,
        frozenset(value % 7 for value in weekdays),
        not day.startswith("*") and not weekday.startswith("*"),
        hour.startswith("*"),
    )


def _values(field: str, name: str, first: int, last: int, names: Sequence[str]) -> frozenset[int]:
    values: set[int] = set()
    for part in field.lower().split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise _wrong(name, "is not a value, a range or a step", part=part)
        low, high = first, last
        if match[1] != "*":
            low = _number(match[2], name, first, names)
            high = _number(match[3], name, first, names) if match[3] else low
            if match[4] and not match[3]:
                high = last
        step = int(match[4] or 1)
        if not first <= low <= high <= last or step < 1:
            raise _wrong(name, "is not within {first} to {last}", part=part, first=first, last=last)
        values.update(range(low, high + 1, step))
    return frozenset(values)


def _number(text: str, name: str, first: int, names: Sequence[str]) -> int:
    if text in names:
        return names.index(text) + first
    if not text.isdigit():
        raise _wrong(name, "is not a value", part=text)
    return int(text)


def _wrong(name: str, reason: str, part: str, **values: object) -> Invalid:
    described = Sentence(reason, **values)
    return Invalid(
        "cron", "{name}: {part} {reason}", name=Sentence(name), part=part, reason=described
    )
