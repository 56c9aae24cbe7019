"""Figures over time for pages: periods, rows without gaps, and files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
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
    days: Sequence[Mapping[str, Any]], stretch: Mapping[str, Any], nothing: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Return a row for each day, with `nothing` for those on which nothing was sent."""
    by_day = {row["time"][:10]: row for row in days}
    day, last = date.fromisoformat(stretch["since"]), date.fromisoformat(stretch["until"])
    rows: list[Mapping[str, Any]] = []
    while day <= last:
        text = day.isoformat()
        rows.append(by_day.get(text, {"time": text, **nothing}))
        day += timedelta(days=1)
    return rows


def hand_out(name: str, header: Sequence[str], lines: Iterable[Sequence[object]]) -> Reply:
    """Write CSV, with a mark by which spreadsheets know UTF-8."""
    file = io.StringIO()
    csv.writer(file).writerows([header, *lines])
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Reply(200, "\ufeff" + file.getvalue(), "text/csv; charset=utf-8", headers)
