"""Statistics as the rows of a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.errors import Invalid
from chalicelib.domain.figures import TOTALS
from chalicelib.domain.funnel import EXTRAS, STAGES
from chalicelib.ports import World
from chalicelib.reports import statistics

RATES = ("delivery_rate", "click_rate")
Row = Sequence[str]


def check(world: World, query: Mapping[str, Any]) -> None:
    """Raise Invalid or NotFound for a stretch that cannot have figures."""
    over = _stretch(world, query)
    if query["by"] == "hour" and over.days > statistics.HOURS_OF:
        raise Invalid("until", "at most {most} days by hour", most=statistics.HOURS_OF)
    statistics.check_zone(world, over)


def table(world: World, query: Mapping[str, Any]) -> tuple[Row, list[Row]]:
    """Return heading and rows of figures. Raise Invalid and NotFound as statistics do."""
    over = _stretch(world, query)
    figures = statistics.by_hour if query["by"] == "hour" else statistics.by_day
    series = list(figures(world, over))
    if query["of"] != "total":
        heading = ("time", query["of"], *STAGES, *RATES, *EXTRAS, "cost", "opted_out")
        return heading, [
            (time, part, *_texts(shown_of(query["of"], stages), heading[2:]))
            for time, counts in series
            for part, stages in statistics.parts(world, counts, query["of"]).items()
        ]
    names = [*(name.replace("|", ".") for name in TOTALS), "opted_out"]
    return ("time", *names), [
        (time, *_texts(_flat(statistics.total(counts)), names)) for time, counts in series
    ]


def shown_of(of: str, stages: statistics.Counts) -> dict[str, Any]:
    """Return a part with its opt-outs. They are not known by delivery channel and platform."""
    knows = of in ("template", "channel_type")
    return {
        **statistics.shown_part(stages),
        "opted_out": stages.get("opted_out", 0) if knows else None,
    }


def _stretch(world: World, query: Mapping[str, Any]) -> statistics.Stretch:
    since, until = (
        dt.date.fromisoformat(query[name]) if query.get(name) else None
        for name in ("since", "until")
    )
    return statistics.stretch(world, query["channel_key"], since, until, query["zone"])


def _flat(total: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested figures under names such as `users.planned`."""
    nested = {
        f"{who}.{name}": number
        for who in ("users", "deliveries")
        for name, number in total[who].items()
    }
    sums = {name: total[name] for name in ("requests", "cost", "opted_out")}
    return {**sums, **nested}


def _texts(figures: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    return ["" if figures[name] is None else str(figures[name]) for name in names]
