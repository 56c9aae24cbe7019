"""Statistics: figures of an access channel, or of the deployment, over a stretch of time.

Hours and days are those of a time zone. docs/reference/figures.md defines every figure.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain import channel_options, health, keys, prices
from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.errors import Invalid, NotFound
from chalicelib.domain.figures import DEPLOYMENT, QUARTER, TOTALS, percentile, totals
from chalicelib.domain.funnel import EXTRAS, LOST_AFTER_SUBMISSION, LOST_AS_INVALID, STAGES
from chalicelib.domain.reasons import of_loss
from chalicelib.domain.values import frozen
from chalicelib.flow import days
from chalicelib.ports import World

HOURS_OF, QUARTERS_OF, DAYS_OF = 31, 93, 366  # days of a stretch by hour, of cells, of sums

Counts = Mapping[str, int]


@frozen
class Stretch:
    """Whole days of a time zone, from the first to the last."""

    key: str  # of an access channel, or of the deployment
    first: dt.date
    last: dt.date
    zone: dt.tzinfo

    @cached_property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def quarters(self) -> tuple[int, int]:
        """Return the first and the last quarter of an hour."""
        ends = (self.first, self.last + dt.timedelta(days=1))
        begins, end = (
            int(dt.datetime.combine(day, dt.time(), self.zone).timestamp() * 1000) for day in ends
        )
        return begins // QUARTER, end // QUARTER - 1

    def local(self, quarter: int) -> dt.datetime:
        return dt.datetime.fromtimestamp(quarter * QUARTER // 1000, self.zone)


def stretch(
    world: World, key: str, since: dt.date | None, until: dt.date | None, zone: str
) -> Stretch:
    """Return a stretch of time. Without dates it is today, in the zone or the deployment's.

    Raises NotFound without such an access channel, and Invalid for wrong dates or zones.
    """
    if key and world.settings.access_channel(key) is None:
        raise NotFound("access channel")
    place = _zone(world, zone)
    today = dt.datetime.fromtimestamp(world.clock.now() / 1000, place).date()
    last = until or today
    first = since or min(last, today)
    if not first <= last:
        raise Invalid("since", "after `until`")
    if (last - first).days >= DAYS_OF:
        raise Invalid("until", "at most {most} days", most=DAYS_OF)
    return Stretch(key or DEPLOYMENT, first, last, place)


def _zone(world: World, name: str) -> dt.tzinfo:
    if not name:
        return dt.timezone(dt.timedelta(milliseconds=days.offset(world.limits)))
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Invalid("zone", "not an IANA time zone") from None


def by_hour(world: World, over: Stretch) -> Iterator[tuple[str, Counts]]:
    """Yield each hour that has figures, as local time with its offset."""
    if over.days > HOURS_OF:
        raise Invalid("until", "at most {most} days by hour", most=HOURS_OF)
    yield from _grouped(
        (over.local(quarter).replace(minute=0).isoformat(timespec="minutes"), counts)
        for quarter, counts in _cells(world, over)
    )


def by_day(world: World, over: Stretch) -> Iterator[tuple[str, Counts]]:
    """Yield each day that has figures.

    A long stretch is read from sums, which lag by an hour. Yesterday and today are not.
    """
    if over.days <= HOURS_OF or not _is_deployments(world, over):
        check_zone(world, over)
        yield from _from_cells(world, over)
        return
    today = dt.datetime.fromtimestamp(world.clock.now() / 1000, over.zone).date()
    fresh = min(over.last + dt.timedelta(days=1), today - dt.timedelta(days=1))
    first, end = (day.toordinal() - EPOCH for day in (over.first, fresh))
    for day in world.figures.between(keys.join("days", over.key), f"{first:06}", f"{end - 1:06}"):
        yield date_of(int(day.key[1])), day.body["counts"]
    if fresh <= over.last:
        yield from _from_cells(world, replace(over, first=max(fresh, over.first)))


def _from_cells(world: World, over: Stretch) -> Iterator[tuple[str, Counts]]:
    return _grouped((over.local(q).date().isoformat(), counts) for q, counts in _cells(world, over))


def by_month(world: World, over: Stretch) -> Iterator[tuple[str, Counts]]:
    """Yield each month that has figures, as `2026-11`. The first and the last may be parts."""
    yield from _grouped((day[:7], counts) for day, counts in by_day(world, over))


def check_zone(world: World, over: Stretch) -> None:
    """Raise Invalid for a stretch that is too long for its zone."""
    if over.days > QUARTERS_OF and not _is_deployments(world, over):
        reason = "at most {most} days in another zone than the deployment's"
        raise Invalid("until", reason, most=QUARTERS_OF)


def whole(world: World, over: Stretch) -> Counter[str]:
    """Return the sum of a stretch."""
    total = Counter[str]()
    for _, counts in by_day(world, over):
        total.update(counts)
    return total


EPOCH = dt.date(1970, 1, 1).toordinal()


def date_of(day: int) -> str:
    return dt.date.fromordinal(EPOCH + day).isoformat()


def _is_deployments(world: World, over: Stretch) -> bool:
    """Tell if the zone's days are the deployment's in the whole stretch."""
    ahead = dt.timedelta(milliseconds=days.offset(world.limits))
    noons = (
        dt.datetime.combine(over.first + dt.timedelta(days=day), dt.time(), over.zone)
        for day in range(over.days + 1)
    )
    return all(noon.utcoffset() == ahead for noon in noons)


def _cells(world: World, over: Stretch) -> Iterator[tuple[int, Counts]]:
    first, last = over.quarters
    name = keys.join("figures", over.key)
    for cell in world.figures.between(name, f"{first:07d}#", f"{last:07d}#~"):
        yield int(cell.key[1].partition("#")[0]), cell.body


def _grouped(cells: Iterator[tuple[str, Counts]]) -> Iterator[tuple[str, Counts]]:
    """Sum what has the same time. Times come in order, but for an hour that a clock repeats."""
    groups: dict[str, Counter[str]] = {}
    for time, counts in cells:
        groups.setdefault(time, Counter()).update(counts)
    yield from groups.items()


# -- figures in the shape in which they are shown


def funnel(stages: Counts) -> dict[str, Any]:
    """Return the five stages, with the delivery rate and the click rate."""
    shown: dict[str, Any] = {stage: stages.get(stage, 0) for stage in STAGES}
    shown["delivery_rate"] = rate(shown["delivered"], shown["submitted"])
    shown["click_rate"] = rate(shown["clicked"], shown["delivered"])
    return shown


def rate(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def rounded(rates: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: None if value is None else round(value, 6) for name, value in rates.items()}


def total(counts: Counts) -> dict[str, Any]:
    sums = dict(zip(TOTALS, totals(counts), strict=True))
    return {
        "requests": sums["requests"],
        "users": funnel({stage: sums[f"users|{stage}"] for stage in STAGES}),
        "deliveries": funnel({stage: sums[f"deliveries|{stage}"] for stage in STAGES}),
        "cost": prices.shown(sums["cost"]),
        "opted_out": sum(n for name, n in counts.items() if name.startswith("optout|")),
    }


def parts(world: World, counts: Counts, of: str) -> dict[str, dict[str, int]]:
    """Return stages by delivery channel, channel type, platform or template."""
    groups: dict[str, Counter[str]] = {}
    for name, number in counts.items():
        kind, *words = name.split("|")
        if of == "template" and kind == "template":
            groups.setdefault(words[0], Counter())[words[1]] += number
        elif of == "channel_type" and kind == "optout":
            groups.setdefault(words[0], Counter())["opted_out"] += number
        elif of != "template" and kind == "channel":
            group = _group(world, of, *words[:2])
            groups.setdefault(group, Counter())[words[2]] += number
        elif of != "template" and kind == "cost":
            groups.setdefault(_group(world, of, *words), Counter())[kind] += number
    return {group: dict(stages) for group, stages in sorted(groups.items())}


def _group(world: World, of: str, kind: str, code: str) -> str:
    """Return the group of a delivery channel. The platform of a deleted one is not known."""
    if of == "platform":
        channel = world.settings.channel(code)
        return channel.platform if channel else ""
    return kind if of == "channel_type" else code


def shown_part(stages: Counts) -> dict[str, Any]:
    cost = prices.shown(stages.get("cost", 0))
    return {**funnel(stages), **{extra: stages.get(extra, 0) for extra in EXTRAS}, "cost": cost}


def losses(counts: Counts) -> dict[str, list[dict[str, Any]]]:
    """Return losses of people, and of deliveries by the stage that they did not reach."""
    people = {
        name.partition("|")[2]: n for name, n in counts.items() if name.startswith("lost|") and n
    }
    by_stage: dict[str, Counter[str]] = {stage: Counter() for stage in STAGES[1:4]}
    for name, number in counts.items():
        if name.startswith("loss|") and number:
            reason = name.split("|", 3)[3]
            by_stage[stage_of(reason)][reason] += number
    return {"users": ranked(people), **{stage: ranked(by_stage[stage]) for stage in by_stage}}


def stage_of(reason: str) -> str:
    """Return the stage that a delivery lost for a reason did not reach."""
    kind = reason.partition(":")[0]
    if kind in LOST_AS_INVALID:
        return "valid"
    return "delivered" if kind in LOST_AFTER_SUBMISSION else "submitted"


def ranked(reasons: Counts) -> list[dict[str, Any]]:
    """Return reasons with their sentences, the most frequent first."""
    everything = sum(reasons.values())
    ordered = sorted(reasons.items(), key=lambda entry: (-entry[1], entry[0]))
    return [
        {"reason": reason, **of_loss(reason)._asdict(), "count": n, "share": rate(n, everything)}
        for reason, n in ordered
    ]


def reported(counts: Counts) -> dict[str, int]:
    """Return people and deliveries in the hour in which it was reported."""
    sums = Counter[str]()
    for name, number in counts.items():
        kind, *words = name.split("|")
        if kind == "reported":
            sums[f"{'users' if len(words) == 1 else 'deliveries'}_{words[-1]}"] += number
    names = (f"{who}_{what}" for who in ("users", "deliveries") for what in STAGES[3:])
    return {name: sums[name] for name in names}


def clicks(world: World, over: Stretch) -> list[list[int]]:
    """Return clicks by weekday (Monday first) and hour of the day, as they were reported."""
    table = [[0] * 24 for _ in range(7)]
    if over.days > QUARTERS_OF:
        raise Invalid("until", "at most {most} days", most=QUARTERS_OF)
    for quarter, counts in _cells(world, over):
        at = over.local(quarter)
        table[at.weekday()][at.hour] += reported(counts)["deliveries_clicked"]
    return table


def providers(world: World, over: Stretch) -> list[dict[str, Any]]:
    """Return how the provider of each delivery channel has done."""
    counts = whole(world, over)
    buckets: dict[str, Counter[int]] = {}
    kinds: dict[str, str] = {}
    for name, number in counts.items():
        kind, *words = name.split("|")
        if kind == "latency":
            buckets.setdefault(words[1], Counter())[int(words[2])] += number
        elif kind == "channel":
            kinds[words[1]] = words[0]
    submissions, shown = health.submissions(counts), []
    for code, stages in parts(world, counts, "delivery_channel").items():
        channel = world.settings.channel(code)
        receipts = {
            f"p{share}": percentile(buckets.get(code, {}), share / 100) for share in (50, 90, 99)
        }
        rates = rounded(submissions.get(code, health.NONE).rates)
        shown.append(
            {
                "delivery_channel": code,
                "channel_type": kinds[code],
                "platform": channel.platform if channel else "",
                health.ACCEPTANCE: rates[health.ACCEPTANCE],
                "receipt_seconds": receipts,
                "open_rate": _open_rate(channel, stages),
                **shown_part(stages),
            }
        )
    return shown


def _open_rate(channel: Channel | None, stages: Counts) -> float | None:
    """Return the share of deliveries that were opened, None where opens are not tracked."""
    opened = stages.get("opened", 0)
    is_tracked = channel is not None and channel_options.of(channel.options).track_opens
    return rate(opened, stages.get("delivered", 0)) if opened or is_tracked else None
