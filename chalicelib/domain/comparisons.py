"""Comparisons of an attribute of a user, or a property of an event, with a value.

What is missing, or of another type, compares false. A list is compared by `contains` alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, timedelta, tzinfo
from enum import StrEnum
from typing import Any, NamedTuple

from chalicelib.domain.rules.schedules import date_of

MAX_DAYS = 3650
MAX_VALUES = 100  # of `one_of`
MAX_TEXT = 256  # characters

_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class ComparisonKind(StrEnum):
    EXISTS = "exists"
    EQUALS = "equals"
    DIFFERS = "differs"
    ONE_OF = "one_of"
    CONTAINS = "contains"
    BEGINS_WITH = "begins_with"
    MORE = "more"
    AT_LEAST = "at_least"
    LESS = "less"
    AT_MOST = "at_most"
    BEFORE = "before"
    AFTER = "after"
    IN_LAST = "in_last"
    IN_NEXT = "in_next"


class Values(StrEnum):
    """The type of value that a comparison takes."""

    NONE = "none"
    SCALAR = "scalar"
    SCALARS = "scalars"
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    DAYS = "days"


TAKES: Mapping[ComparisonKind, Values] = {
    ComparisonKind.EXISTS: Values.NONE,
    ComparisonKind.EQUALS: Values.SCALAR,
    ComparisonKind.DIFFERS: Values.SCALAR,
    ComparisonKind.ONE_OF: Values.SCALARS,
    ComparisonKind.CONTAINS: Values.TEXT,
    ComparisonKind.BEGINS_WITH: Values.TEXT,
    ComparisonKind.MORE: Values.NUMBER,
    ComparisonKind.AT_LEAST: Values.NUMBER,
    ComparisonKind.LESS: Values.NUMBER,
    ComparisonKind.AT_MOST: Values.NUMBER,
    ComparisonKind.BEFORE: Values.DATE,
    ComparisonKind.AFTER: Values.DATE,
    ComparisonKind.IN_LAST: Values.DAYS,
    ComparisonKind.IN_NEXT: Values.DAYS,
}


class Today(NamedTuple):
    """The day of the deployment, and the zone in which moments are read."""

    day: date
    place: tzinfo


def takes(comparison: ComparisonKind, value: Any) -> bool:
    """Tell if a value is of the type that a comparison takes."""
    return _IS[TAKES[comparison]](value)


def holds(comparison: ComparisonKind, stored: Any, value: Any, today: Today) -> bool:
    """Tell if a stored value, None where there is none, compares with a value."""
    if stored is None or comparison is ComparisonKind.EXISTS:
        return stored is not None
    if isinstance(stored, list):
        return comparison is ComparisonKind.CONTAINS and any(_same(one, value) for one in stored)
    kind = TAKES[comparison]
    if kind is Values.NUMBER:
        number = number_of(stored)
        return number is not None and _ORDER[comparison](number, value)
    if kind in (Values.DATE, Values.DAYS):
        day = date_of(stored, today.place)
        return day is not None and _has_day(comparison, day, value, today)
    return _TEXTS[comparison](stored, value)


def reads(comparison: ComparisonKind, stored: Any) -> bool:
    """Tell if a stored value is of the type that a comparison reads."""
    match TAKES[comparison]:
        case Values.NUMBER:
            return number_of(stored) is not None
        case Values.DATE | Values.DAYS:
            return date_of(stored, UTC) is not None
    return True


def number_of(value: Any) -> float | None:
    """Return a number, a number that is written as text, or None for anything else."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    is_number = isinstance(value, str) and _NUMBER.fullmatch(value)
    return float(value) if is_number else None


def _same(stored: Any, value: Any) -> bool:
    """Compare two values as numbers if both are numbers, otherwise as texts."""
    numbers = number_of(stored), number_of(value)
    if None not in numbers:
        return numbers[0] == numbers[1]
    return _text(stored) == _text(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _has_day(comparison: ComparisonKind, day: date, value: Any, today: Today) -> bool:
    match comparison:
        case ComparisonKind.BEFORE:
            return day < date.fromisoformat(value)
        case ComparisonKind.AFTER:
            return day > date.fromisoformat(value)
        case ComparisonKind.IN_LAST:
            return today.day - timedelta(days=value) <= day <= today.day
        case _:
            return today.day <= day <= today.day + timedelta(days=value)


_TEXTS: Mapping[ComparisonKind, Callable[[Any, Any], bool]] = {
    ComparisonKind.EQUALS: _same,
    ComparisonKind.DIFFERS: lambda stored, value: not _same(stored, value),
    ComparisonKind.ONE_OF: lambda stored, values: any(_same(stored, value) for value in values),
    ComparisonKind.CONTAINS: lambda stored, value: value in _text(stored),
    ComparisonKind.BEGINS_WITH: lambda stored, value: _text(stored).startswith(value),
}
_ORDER: Mapping[ComparisonKind, Callable[[float, float], bool]] = {
    ComparisonKind.MORE: lambda stored, value: stored > value,
    ComparisonKind.AT_LEAST: lambda stored, value: stored >= value,
    ComparisonKind.LESS: lambda stored, value: stored < value,
    ComparisonKind.AT_MOST: lambda stored, value: stored <= value,
}


def _is_scalar(value: Any) -> bool:
    return isinstance(value, bool | int | float) or _is_text(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TEXT


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_date(value: Any) -> bool:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return False
    try:
        return bool(date.fromisoformat(value))
    except ValueError:
        return False


def _is_days(value: Any) -> bool:
    return _is_number(value) and isinstance(value, int) and 0 <= value <= MAX_DAYS


def _are_scalars(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= MAX_VALUES and all(map(_is_scalar, value))


_IS: Mapping[Values, Callable[[Any], bool]] = {
    Values.NONE: lambda value: value is None,
    Values.SCALAR: _is_scalar,
    Values.SCALARS: _are_scalars,
    Values.TEXT: _is_text,
    Values.NUMBER: _is_number,
    Values.DATE: _is_date,
    Values.DAYS: _is_days,
}
