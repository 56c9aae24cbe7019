"""The health of a delivery channel: rates of the last day against usual ones, and its errors.

docs/reference/figures.md has the thresholds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chalicelib.domain import health, keys
from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.errors import NotFound
from chalicelib.domain.figures import DEPLOYMENT, QUARTER, percentile, quarter_of
from chalicelib.domain.funnel import STAGES
from chalicelib.domain.health import Submissions
from chalicelib.flow import days
from chalicelib.flow.delivery import quota
from chalicelib.ports import World
from chalicelib.reports import statistics

DAY = 86_400_000  # ms
SETTLED = 3_600_000  # ms after which nearly all receipts have come
USUAL = 7  # days before today
ERRORS = 10  # reasons that are shown
NOT_ERRORS = ("skipped", "withdrawn")  # the person was reached otherwise, or nobody was to be

Counts = Mapping[str, int]
Cells = Sequence[tuple[int, Counts]]


def of_channel(world: World, code: str) -> dict[str, Any]:
    """Return the health of a delivery channel, in the last 24 hours, of all that it sent.

    Raises NotFound without such a channel.
    """
    channel = world.settings.channel(code)
    if channel is None:
        raise NotFound("delivery channel")
    return _shown(world, channel, _last_day(world, DEPLOYMENT), _days_before(world, DEPLOYMENT))


def of_access_channel(world: World, key: str) -> list[dict[str, Any]]:
    """Return the health of each delivery channel of an access channel, of what that one sent.

    Raises NotFound without such an access channel.
    """
    access = world.settings.access_channel(key)
    if access is None:
        raise NotFound("access channel")
    channels = [each for each in world.settings.channels() if each.code in access.channels]
    cells, before = _last_day(world, key), _days_before(world, key)
    return [_shown(world, channel, cells, before) for channel in channels]


def _shown(world: World, channel: Channel, cells: Cells, before: Counts) -> dict[str, Any]:
    prefix = f"{channel.type.value}|{channel.code}|"
    now = _sum(counts for _, counts in cells)
    stages = _of(now, f"channel|{prefix}")
    used = quota.usage(world, channel)
    sent, usually = _submissions(now, channel), _submissions(before, channel)
    by = world.clock.now() - SETTLED
    settled = _submissions(_sum(counts for begins, counts in cells if begins <= by), channel)
    poor = next(iter(health.poor(sent, settled, usually)), None)
    buckets = {int(name): n for name, n in _of(now, f"latency|{prefix}").items()}
    return {
        "delivery_channel": channel.code,
        "state": "poor" if poor else "good" if sent.is_enough else "quiet",
        "poor": poor and {"rate": poor.rate, **statistics.rounded(poor.numbers)},
        **{stage: stages.get(stage, 0) for stage in STAGES},
        **statistics.rounded(sent.rates),
        **{f"usual_{name}": rate for name, rate in statistics.rounded(usually.rates).items()},
        "receipt_seconds": {f"p{p}": percentile(buckets, p / 100) for p in (50, 90, 99)},
        "errors": _errors(cells, now, f"loss|{prefix}"),
        "paused": channel.paused,
        "quota_used": used.reserved if used else None,
        "quota": used.limit if used else None,
    }


def _last_day(world: World, key: str) -> Cells:
    """Return the figures of what was sent in the last 24 hours, with the begin (ms) of each.

    `key`: of an access channel, or of the deployment.
    """
    last = quarter_of(world.clock.now())
    first, name = last - quarter_of(DAY) + 1, keys.join("figures", key)
    cells = world.figures.between(name, f"{first:07d}#", f"{last:07d}#~")
    return [(int(cell.key[1].partition("#")[0]) * QUARTER, cell.body) for cell in cells]


def _errors(cells: Cells, now: Counts, prefix: str) -> list[dict[str, Any]]:
    """Return the most frequent reasons, with the quarter (ms) whose deliveries had each last."""
    last = {name: begins for begins, counts in cells for name in _of(counts, prefix)}
    found = {reason: n for reason, n in _of(now, prefix).items() if reason not in NOT_ERRORS}
    ranked = statistics.ranked(found)[:ERRORS]
    return [{**reason, "last": last[reason["reason"]]} for reason in ranked]


def _days_before(world: World, key: str) -> Counter[str]:
    today = days.day_of(world.limits, world.clock.now())
    first, last = f"{today - USUAL:06d}", f"{today - 1:06d}"
    stored = world.figures.between(keys.join("days", key), first, last)
    return _sum(day.body["counts"] for day in stored)


def _sum(figures: Iterable[Counts]) -> Counter[str]:
    total = Counter[str]()
    for counts in figures:
        total.update(counts)
    return total


def _of(counts: Counts, prefix: str) -> Counter[str]:
    return Counter(
        {name.removeprefix(prefix): n for name, n in counts.items() if name.startswith(prefix)}
    )


def _submissions(counts: Counts, channel: Channel) -> Submissions:
    return health.submissions(counts).get(channel.code, health.NONE)
