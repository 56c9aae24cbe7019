"""Compare a message with its access channel's usual rates, by channel type.

The usual rates come from the sums of days, which one query reads.
"""

from __future__ import annotations

from typing import Any

from chalicelib.domain import comparison
from chalicelib.domain.funnel import channel_order
from chalicelib.flow import days, tally
from chalicelib.flow.messages import ending_of, sent_by
from chalicelib.ports import World
from chalicelib.reports import statistics


def of_message(world: World, channel_key: str, msgid: str) -> dict[str, Any]:
    """Return a message's rates, and the mean and percentiles of the days up to it.

    Raises NotFound when the access channel has no such message.
    """
    sent = sent_by(world, channel_key, msgid)
    ending_of(world, msgid)
    counts = tally.counts_of(world, sent)
    last = days.day_of(world.limits, sent.starts)
    known = days.counts_of(world, channel_key, last - comparison.DAYS + 1, last)
    channels = []
    for kind in channel_order(counts.channels, sent):
        by_day = comparison.of_channel_type(known, kind)
        row: dict[str, Any] = {"channel_type": kind}
        for name, (part, whole) in comparison.RATES.items():
            stages, usual = counts.channels[kind], comparison.usual(by_day, name)
            own = statistics.rate(stages.get(part, 0), stages.get(whole, 0))
            row[name] = {"rate": own, "mean": usual.mean, "p10": usual.p10, "p90": usual.p90}
        channels.append(row)
    return {"days": comparison.DAYS, "channels": channels}
