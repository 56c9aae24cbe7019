"""The usual rates of an access channel: a mean, and percentiles of days."""

from __future__ import annotations

from chalicelib.domain.comparison import Usual, of_channel_type, usual


def day(submitted: int, delivered: int, clicked: int = 0) -> dict[str, int]:
    return {"submitted": submitted, "delivered": delivered, "clicked": clicked}


def test_the_mean_counts_every_delivery_and_the_percentiles_every_day() -> None:
    days = [day(100, number) for number in range(10, 101, 10)]
    assert usual(days, "delivery_rate") == Usual(0.55, 0.1, 0.9)
    busy = [day(9000, 9000), *days]
    assert usual(busy, "delivery_rate") == Usual(0.955, 0.2, 1.0)


def test_days_without_a_whole_do_not_count() -> None:
    days = [day(10, 5, 1), day(10, 0), {}]
    assert usual(days, "delivery_rate") == Usual(0.25, 0.0, 0.5)
    assert usual(days, "click_rate") == Usual(0.2, 0.2, 0.2)
    assert usual([{}, day(0, 0)], "delivery_rate") == Usual(None, None, None)


def test_a_channel_type_has_the_stages_of_all_its_delivery_channels() -> None:
    counts = {
        "channel|sms|one|submitted": 3,
        "channel|sms|two|submitted": 4,
        "channel|app|push|submitted": 5,
        "latency|sms|one|3": 9,
        "requests": 1,
    }
    assert of_channel_type([counts, {}], "sms") == [{"submitted": 7}, {}]
