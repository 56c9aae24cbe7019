"""Bounds of a poor delivery channel, at their edges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import health
from chalicelib.domain.health import ACCEPTANCE, ACCEPTED, DELIVERY, LEAST, NONE, Poor, Submissions

NUMBERS = st.integers(0, 3 * LEAST)


@pytest.mark.parametrize(
    ("sent", "rates"),
    [
        (Submissions(), []),
        (Submissions(LEAST), []),
        (Submissions(0, LEAST - 1), []),  # too few
        (Submissions(LEAST - 2, 1), []),
        (Submissions(0, LEAST), [Poor(ACCEPTANCE, 0.0, ACCEPTED)]),  # only failures
        (Submissions(1, LEAST - 1), [Poor(ACCEPTANCE, 1 / LEAST, ACCEPTED)]),
        (Submissions(90, 10), []),  # nine of ten
        (Submissions(899_999, 100_001), [Poor(ACCEPTANCE, 0.899999, ACCEPTED)]),
        (Submissions(8_999_999_999, 1_000_000_001), [Poor(ACCEPTANCE, 0.8999999999, ACCEPTED)]),
    ],
)
def test_a_channel_is_poor_by_itself(sent: Submissions, rates: list[Poor]) -> None:
    assert health.poor(sent) == rates


def beside(sent: Submissions, usually: Submissions) -> list[Poor]:
    return health.poor(sent, sent, usually)


def test_a_channel_is_poor_beside_what_is_usual() -> None:
    usually = Submissions(LEAST, 0, LEAST)
    assert beside(Submissions(100, 0, 90), usually) == []
    assert beside(Submissions(100, 0, 89), usually) == [Poor(DELIVERY, 0.89, 0.9)]
    assert beside(Submissions(100, 0, 70), Submissions(100, 0, 80)) == []
    assert [rate.rate for rate in beside(Submissions(1, 99, 0), usually)] == [
        ACCEPTANCE,
        DELIVERY,
    ]
    assert beside(Submissions(100, 0, 0), Submissions(LEAST - 1, 0, LEAST - 1)) == []


def test_a_delivery_rate_is_judged_once_receipts_have_had_their_time() -> None:
    usually, just_sent = Submissions(LEAST, 0, LEAST), Submissions(10_000, 0, 5)
    assert health.poor(just_sent, NONE, usually) == []
    assert health.poor(just_sent, Submissions(LEAST - 1), usually) == []
    assert health.poor(just_sent, Submissions(LEAST), usually) == [Poor(DELIVERY, 0.0, 0.9)]


@given(NUMBERS, NUMBERS, NUMBERS)
def test_only_what_has_ended_counts(submitted: int, failed: int, others: int) -> None:
    counts = {
        "channel|sms|a|submitted": submitted,
        "channel|sms|a|planned": submitted + failed + others,
        "channel|sms|a|valid": submitted + failed + others,
        "loss|sms|a|submit_failed:500": failed,
        "loss|sms|a|skipped": others,
        "loss|sms|a|withdrawn": others,
        "loss|sms|a|invalid_target": others,
        "loss|sms|b|expired": 1,
    }
    sent = health.submissions(counts)
    assert sent["a"] == Submissions(submitted, failed, 0)
    assert sent["b"] == Submissions(0, 1, 0)
    ended = submitted + failed
    is_poor = ended >= LEAST and 10 * submitted < 9 * ended
    assert bool(health.poor(sent["a"])) is is_poor
