"""Statistics: messages by day, clicks over the hours of the week, and providers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.console.door import Reply
from chalicelib.console.labels import STAGES
from chalicelib.console.pages.stats import costs as costs
from chalicelib.console.pages.stats.series import filled, hand_out, stretch_of
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit

CLASSES = 7  # of a heat map
OF = ("users", "deliveries")
NOTHING: Mapping[str, Any] = {of: dict.fromkeys(STAGES, 0) for of in OF}
MONEY = ("cost", "opted_out")


@page("GET", "/c/{key}/stats/messages")
def messages(visit: Visit) -> Reply:
    stretch = stretch_of(visit)
    days = visit.api.get("statistics", query=stretch)["figures"]
    if visit.asked("export"):
        return _export(visit, days)
    total = visit.api.get("statistics", query={**stretch, "by": "total"})["figures"]
    of = visit.asked("of") if visit.asked("of") in OF else "users"
    return visit.show(
        "stats/messages.html",
        days=days,
        total=total[0] if total else None,
        of=of,
        chart=chart(visit, filled(days, stretch, NOTHING), of),
        losses=visit.api.get("statistics/losses", query=stretch),
    )


@page("GET", "/c/{key}/stats/requests")
def requests(visit: Visit) -> Reply:
    """Show how many sends were accepted, by day or by hour."""
    by = "hour" if visit.asked("by") == "hour" else "day"
    stretch = stretch_of(visit, "7") if by == "hour" else stretch_of(visit)
    rows = visit.api.get("statistics", query={**stretch, "by": by})["figures"]
    if visit.asked("export"):
        return hand_out(
            "requests.csv", ["time", "requests"], [(r["time"], r["requests"]) for r in rows]
        )
    shown = rows if by == "hour" else filled(rows, stretch, {})
    numbers = [row.get("requests", 0) for row in shown]
    series = {"name": visit.say("Requests"), "stage": "submitted", "data": numbers}
    x = [row["time"][:16].replace("T", " ") if by == "hour" else row["time"][:10] for row in shown]
    return visit.show(
        "stats/requests.html",
        by=by,
        rows=rows,
        total=sum(numbers),
        best=max(rows, key=lambda row: row["requests"], default=None),
        chart={"label": visit.say("Request volume"), "x": x, "series": [series]},
    )


def chart(visit: Visit, rows: Sequence[Mapping[str, Any]], of: str) -> dict[str, Any]:
    """Return the lines of the stages, for ECharts."""
    series = [
        {"name": visit.say(name), "stage": stage, "data": [row[of][stage] for row in rows]}
        for stage, name in STAGES.items()
    ]
    return {"label": visit.say("Trend"), "x": [row["time"][:10] for row in rows], "series": series}


def _export(visit: Visit, days: Sequence[Mapping[str, Any]]) -> Reply:
    """Hand out the days as a file."""
    names = [f"{of}.{stage}" for of in OF for stage in STAGES]
    lines = [
        (
            *(day["time"], day["requests"]),
            *(day[of][stage] for of in OF for stage in STAGES),
            *(day[name] for name in MONEY),
        )
        for day in days
    ]
    return hand_out("statistics.csv", ["time", "requests", *names, *MONEY], lines)


@page("GET", "/c/{key}/stats/clicks")
def clicks(visit: Visit) -> Reply:
    """Show clicks by weekday and hour, in classes of one hue."""
    rows = visit.api.get("statistics/clicks", query=stretch_of(visit))["clicks"]
    most = max((number for row in rows for number in row), default=0)
    best = next(
        ((d, h) for d, row in enumerate(rows) for h, number in enumerate(row) if number == most),
        None,
    )
    classes = [[_class(number, most) for number in row] for row in rows]
    return visit.show(
        "stats/clicks.html", rows=rows, classes=classes, best=best if most else None, most=most
    )


def _class(number: int, most: int) -> int:
    return 0 if not number else 1 + min(CLASSES - 2, number * (CLASSES - 1) // (most + 1))


@page("GET", "/c/{key}/stats/providers")
def providers(visit: Visit) -> Reply:
    found = visit.api.get("statistics/providers", query=stretch_of(visit))["providers"]
    return visit.show("stats/providers.html", providers=found)
