"""Figures over time for pages: periods, rows without gaps, and files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from chalicelib.console.door import Reply
from chalicelib.console.visit import Visit

PERIODS = {"7": 7, "30": 30, "90": 90}


def stretch_of(visit: Visit, period: str = "") -> dict[str, Any]:
    days = PERIODS.get(period or visit.asked("days"), 30)
    today = visit.texts.at(visit.texts.now).date()
    since = today - timedelta(days=days - 1)
    return {"channel_key": visit.key, "since": since.isoformat(), "until": today.isoformat()}


def filled(
    rows: Sequence[Mapping[str, Any]], stretch: Mapping[str, Any], nothing: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Return a row for each day, with `nothing` for those on which nothing was sent."""
    return _filled({row["time"][:10]: row for row in rows}, _days(stretch), nothing)


def filled_months(
    rows: Sequence[Mapping[str, Any]], stretch: Mapping[str, Any], nothing: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Return a row for each month, with `nothing` for those in which nothing was sent."""
    months = dict.fromkeys(day[:7] for day in _days(stretch))
    return _filled({row["time"]: row for row in rows}, months, nothing)


def _days(stretch: Mapping[str, Any]) -> Iterator[str]:
    first, last = (date.fromisoformat(stretch[end]) for end in ("since", "until"))
    for number in range((last - first).days + 1):
        yield (first + timedelta(days=number)).isoformat()


def _filled(
    rows: Mapping[str, Mapping[str, Any]], times: Iterable[str], nothing: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    return [rows.get(time, {"time": time, **nothing}) for time in times]


def hand_out(name: str, header: Sequence[str], lines: Iterable[Sequence[object]]) -> Reply:
    """Write CSV, with a mark by which spreadsheets know UTF-8."""
    file = io.StringIO()
    csv.writer(file).writerows([header, *lines])
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Reply(200, "\ufeff" + file.getvalue(), "text/csv; charset=utf-8", headers)
