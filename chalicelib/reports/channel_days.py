"""Days of all access channels, read from sums of many days."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.access_channels import ACCESS_CHANNELS, AccessChannel
from chalicelib.domain.figures import TOTALS
from chalicelib.flow import days
from chalicelib.ports import World
from chalicelib.reports import statistics


def days_of_channels(
    world: World, after: str, limit: int, over: statistics.Stretch
) -> Sequence[tuple[AccessChannel, dict[str, list[int]]]]:
    """Return access channels with their totals by day, read from sums of many days."""
    channels = world.records.of(ACCESS_CHANNELS).list(after=after, limit=limit)
    first, last = (day.toordinal() - statistics.EPOCH for day in (over.first, over.last))
    spans = range(first // days.SPAN, last // days.SPAN + 1)
    stored = world.figures.load(
        [days.span_key(channel.key, span * days.SPAN) for channel in channels for span in spans]
    )
    found = []
    for channel in channels:
        names = [days.span_key(channel.key, span * days.SPAN) for span in spans]
        bodies = [stored[name].body for name in names if name in stored]
        rows = {int(day): _whole(row) for body in bodies for day, row in body.items()}
        shown = {statistics.date_of(day): rows[day] for day in sorted(rows) if first <= day <= last}
        found.append((channel, shown))
    return found


def _whole(row: Sequence[int]) -> list[int]:
    """Return the totals of a day with those that were not counted yet when it was summed."""
    return [*row, *[0] * (len(TOTALS) - len(row))]
