"""Cost and opt-outs: by day or month, and by delivery channel, channel type or template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from chalicelib.console import labels
from chalicelib.console.door import Reply
from chalicelib.console.pages.stats.series import filled, filled_months, hand_out, stretch_of
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit

N_ = str  # marks a text for the catalogue

MONTHS = 12  # until this one
PARTS = {
    "delivery_channel": N_("by delivery channel"),
    "channel_type": N_("by channel type"),
    "template": N_("by template"),
}
NOTHING: Mapping[str, Any] = {"cost": 0, "opted_out": 0}
COLUMNS = ("submitted", "delivered", "cost", "opted_out")

Rows = Sequence[Mapping[str, Any]]


@page("GET", "/c/{key}/stats/costs")
def costs(visit: Visit) -> Reply:
    is_monthly = visit.asked("by") == "month"
    of = visit.asked("of") if visit.asked("of") in PARTS else "delivery_channel"
    stretch = _months(visit) if is_monthly else stretch_of(visit)
    if visit.asked("export") == "parts":
        return _export_parts(visit, of, _parts(visit, stretch, of))
    by = "month" if is_monthly else "day"
    rows = visit.api.get("statistics", query={**stretch, "by": by})["figures"]
    if visit.asked("export"):
        lines = [(row["time"], row["cost"], row["opted_out"]) for row in rows]
        return hand_out("costs.csv", ["time", "cost", "opted_out"], lines)
    shown = (filled_months if is_monthly else filled)(rows, stretch, NOTHING)
    parts = _parts(visit, stretch, of)
    return visit.show(
        "stats/costs.html",
        by=by,
        of=of,
        all_parts=PARTS,
        rows=rows,
        total=_total(rows),
        parts=parts,
        names=_names(visit, of) if parts else {},
        budget=visit.api.get("budget/{key}", key=visit.key),
        charts={name: _chart(visit, shown, name) for name in NOTHING},
    )


def _total(rows: Rows) -> dict[str, Any] | None:
    """Return the sums of days or months, None if nothing was sent and nobody opted out."""
    if not any(row[name] for row in rows for name in ("requests", *NOTHING)):
        return None
    delivered = sum(row["deliveries"]["delivered"] for row in rows)
    cost = round(sum(row["cost"] for row in rows), 6)  # millionths, as rows have them
    opted_out = sum(row["opted_out"] for row in rows)
    return {"cost": cost, "opted_out": opted_out, "deliveries": {"delivered": delivered}}


def _months(visit: Visit) -> dict[str, Any]:
    """Return whole months until today. The days of a year are what the API takes at most."""
    today = visit.texts.at(visit.texts.now).date()
    number = today.year * 12 + today.month - MONTHS
    since = date(number // 12, number % 12 + 1, 1)
    return {"channel_key": visit.key, "since": since.isoformat(), "until": today.isoformat()}


def _parts(visit: Visit, stretch: Mapping[str, Any], of: str) -> list[Mapping[str, Any]]:
    """Return what has a cost or opt-outs, the dearest first."""
    query = {**stretch, "by": "total", "of": of}
    found = visit.api.get("statistics", query=query)["parts"]
    known = [part for part in found if part["cost"] or part["opted_out"] or part["submitted"]]
    return sorted(known, key=lambda part: (-part["cost"], -(part["opted_out"] or 0), part["part"]))


def _names(visit: Visit, of: str) -> dict[str, str]:
    """Return the names of delivery channels, channel types or templates."""
    if of == "channel_type":
        return {kind: visit.say(words.name) for kind, words in labels.TYPES.items()}
    if of == "delivery_channel":
        channels = visit.every("channels", "channels")
        return {each["code"]: each["name"] for each in channels}
    templates = visit.every("templates", "templates", channel_key=visit.key)
    return {str(each["template_id"]): each["name"] for each in templates}


def _export_parts(visit: Visit, of: str, parts: Rows) -> Reply:
    lines = [(part["part"], *(_cell(part[name]) for name in COLUMNS)) for part in parts]
    return hand_out(f"costs-by-{of.replace('_', '-')}.csv", [of, *COLUMNS], lines)


def _cell(value: float | None) -> float | str:
    return "" if value is None else value


def _chart(visit: Visit, rows: Rows, name: str) -> dict[str, Any]:
    is_cost = name == "cost"
    label = visit.say("Cost") if is_cost else visit.say("Opt-outs")
    color = "--accent" if is_cost else "--s-clicked"
    series = {"name": label, "color": color, "data": [row[name] for row in rows]}
    return {"label": label, "x": [row["time"][:10] for row in rows], "series": [series]}
