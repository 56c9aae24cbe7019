"""The health of a delivery channel: rates of the last day against usual ones, and its errors.

docs/reference/figures.md has the thresholds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.errors import NotFound
from chalicelib.domain.figures import DEPLOYMENT, percentile, quarter_of
from chalicelib.domain.funnel import STAGES
from chalicelib.flow import days
from chalicelib.flow.delivery import quota
from chalicelib.ports import World
from chalicelib.reports import statistics

DAY = 86_400_000  # ms
USUAL = 7  # days before today
LEAST = 50  # valid deliveries of the last day. With fewer, nothing is judged.
ACCEPTED = 0.9  # share of valid deliveries that a healthy channel submits
WORSE = 0.1  # by which a rate may be lower than usual
ERRORS = 10  # reasons that are shown

Counts = Mapping[str, int]


def of_channel(world: World, code: str) -> dict[str, Any]:
    """Return the health of a delivery channel, in the last 24 hours.

    Raises NotFound without such a channel.
    """
    channel = world.settings.channel(code)
    if channel is None:
        raise NotFound("delivery channel")
    prefix = f"{channel.type.value}|{code}|"
    now, before = _last_day(world), _days_before(world)
    stages, usual = _of(now, f"channel|{prefix}"), _of(before, f"channel|{prefix}")
    used = quota.usage(world, channel)
    rates, usually = _rates(stages), _rates(usual)
    buckets = {int(name): n for name, n in _of(now, f"latency|{prefix}").items()}
    return {
        "delivery_channel": code,
        "state": _state(stages, rates, usually),
        **{stage: stages.get(stage, 0) for stage in STAGES},
        **rates,
        **{f"usual_{name}": rate for name, rate in usually.items()},
        "receipt_seconds": {f"p{p}": percentile(buckets, p / 100) for p in (50, 90, 99)},
        "errors": statistics.ranked(_of(now, f"loss|{prefix}"))[:ERRORS],
        "quota_used": used.reserved if used else None,
        "quota": used.limit if used else None,
    }


def _last_day(world: World) -> Counter[str]:
    """Return the figures of what was sent in the last 24 hours."""
    last = quarter_of(world.clock.now())
    first = last - quarter_of(DAY) + 1
    return _sum(world, keys.join("figures", DEPLOYMENT), f"{first:07d}#", f"{last:07d}#~")


def _days_before(world: World) -> Counter[str]:
    today = days.day_of(world.limits, world.clock.now())
    first, last = f"{today - USUAL:06d}", f"{today - 1:06d}"
    return _sum(world, keys.join("days", DEPLOYMENT), first, last)


def _sum(world: World, name: str, first: str, last: str) -> Counter[str]:
    total = Counter[str]()
    for document in world.figures.between(name, first, last):
        total.update(document.body.get("counts", document.body))
    return total


def _of(counts: Counts, prefix: str) -> Counter[str]:
    return Counter(
        {name.removeprefix(prefix): n for name, n in counts.items() if name.startswith(prefix)}
    )


def _rates(stages: Counts) -> dict[str, float | None]:
    valid, submitted = stages.get("valid", 0), stages.get("submitted", 0)
    return {
        "acceptance_rate": statistics.rate(submitted, valid),
        "delivery_rate": statistics.rate(stages.get("delivered", 0), submitted),
    }


def _state(stages: Counts, rates: Mapping[str, Any], usual: Mapping[str, Any]) -> str:
    if stages.get("valid", 0) < LEAST:
        return "quiet"
    if rates["acceptance_rate"] < ACCEPTED:
        return "poor"
    is_worse = any(
        rates[name] is not None and usual[name] is not None and rates[name] < usual[name] - WORSE
        for name in rates
    )
    return "poor" if is_worse else "good"
