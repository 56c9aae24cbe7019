"""A year of days of 100 access channels: few requests, and items of a few KB."""

from __future__ import annotations

import datetime as dt
from typing import Any

from chalicelib.domain.access_channels import ACCESS_CHANNELS
from chalicelib.domain.figures import TOTALS
from chalicelib.flow import days
from chalicelib.ports import Document, World
from chalicelib.reports import channel_days, statistics
from tests.builders import an_access_channel
from tests.contracts import faults

CHANNELS, YEAR = 100, 366
REQUESTS = 10  # that a year of 100 access channels may take
READ = 16 * 2**20  # bytes that one BatchGetItem answers
PAGE = 2**20  # bytes that one query answers
LAST = dt.date(2025, 11, 29)  # long ago: the newest days are read from cells
FIRST = LAST - dt.timedelta(days=YEAR - 1)
BUSY = [1_234_567 + n for n in range(len(TOTALS))]  # a day's totals


def days_of_year() -> range:
    first = (FIRST - dt.date(1970, 1, 1)).days
    return range(first, first + YEAR)


def spans(key: str) -> list[Document]:
    """Return a year of busy days, each with totals of its own."""
    bodies: dict[tuple[str, str], dict[str, Any]] = {}
    for day in days_of_year():
        row = [number + 977 * day for number in BUSY]
        bodies.setdefault(days.span_key(key, day), {})[str(day)] = row
    return [Document(name, 1, body) for name, body in bodies.items()]


def test_a_year_of_a_hundred_access_channels_takes_few_requests(real: World, unique: str) -> None:
    from chalicelib.aws.clients import client
    from chalicelib.aws.items import pack

    keys = [f"{unique}-{number:03d}" for number in range(CHANNELS)]
    stored = [span for key in keys for span in spans(key)]
    for start in range(0, len(stored), CHANNELS):
        assert real.figures.store(stored[start : start + CHANNELS])
    for key in keys:
        real.records.of(ACCESS_CHANNELS).put(an_access_channel(key))
    over = statistics.stretch(real, "", FIRST, LAST, "")
    with faults.counted(client("dynamodb")) as requests:
        rows = channel_days.days_of_channels(real, f"{unique}-", CHANNELS, over)
    assert [channel.key for channel, _ in rows] == keys
    assert all(len(shown) == YEAR for _, shown in rows)
    assert rows[0][1][LAST.isoformat()][0] == BUSY[0] + 977 * days_of_year()[-1]
    assert 0 < len(requests) <= REQUESTS
    assert max(len(pack(span.body)) for span in stored) * CHANNELS < READ


def test_a_year_of_days_of_one_access_channel_takes_few_requests(real: World, unique: str) -> None:
    from chalicelib.aws.clients import client
    from chalicelib.aws.items import pack

    counts = busy_day()
    size = len(pack({"seen": 1_000_000, "counts": counts}))
    assert YEAR * size < (REQUESTS - 1) * PAGE
    made = [
        Document(days.day_key(unique, day), 1, {"seen": 1, "counts": counts})
        for day in days_of_year()
    ]
    for start in range(0, YEAR, CHANNELS):
        assert real.figures.store(made[start : start + CHANNELS])
    over = statistics.Stretch(unique, FIRST, LAST, dt.timezone(dt.timedelta(hours=8)))
    with faults.counted(client("dynamodb")) as requests:
        assert len(list(statistics.by_day(real, over))) == YEAR
    assert 0 < len(requests) <= REQUESTS


def busy_day() -> dict[str, int]:
    """Return the counters of ten delivery channels with losses, and of 200 templates."""
    stages = ("planned", "valid", "submitted", "delivered", "clicked")
    counts = {f"channel|sms|sms{c}|{stage}": 9_000 + 77 * c for c in range(10) for stage in stages}
    counts |= {f"loss|sms|sms{c}|delivery_failed:{n}": 3 * n for c in range(10) for n in range(10)}
    counts |= {f"latency|sms|sms{c}|{n}": 7 * n * c for c in range(10) for n in range(20)}
    counts |= {f"template|{n}|{stage}": 99 + n for n in range(200) for stage in stages}
    return counts
