"""The rate of messages over an account."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import Throttled
from chalicelib.domain.provider_io import parts_of
from chalicelib.providers.sms.cmpp.messages import Submit, SubmitResp
from chalicelib.providers.sms.cmpp.pace import Pace
from tests.providers.sms.cmpp.calls import number
from tests.providers.sms.cmpp.test_session import THREE_PARTS, Scripted


def test_reservations_follow_each_other() -> None:
    pace = Pace(10)
    assert [pace.reserve(5, 100.0, 102.0) for _ in range(3)] == [100.0, 100.5, 101.0]
    assert pace.reserve(1, 200.0, 200.0) == 200.0


def test_who_would_begin_too_late_reserves_nothing_and_learns_when_to_come() -> None:
    pace = Pace(1)
    pace.reserve(30, 100.0, 105.0)
    for _ in range(2):
        with pytest.raises(Throttled) as error:
            pace.reserve(1, 100.0, 105.0)
        assert error.value.retry_after == 30.0


def test_without_a_rate_nobody_waits() -> None:
    pace = Pace(0)
    assert [pace.reserve(1000, 5.0, 5.0) for _ in range(2)] == [5.0, 5.0]
    assert pace.time_of(5.0, 1000) == 5.0


@pytest.mark.parametrize("numbers_per_submit", [1, 99])
def test_every_number_and_part_counts_as_a_message(numbers_per_submit: int) -> None:
    gateway = Scripted(rate=2, numbers_per_submit=numbers_per_submit)
    outcomes = gateway.send([number(1), number(2)], THREE_PARTS)
    assert [len(parts_of(outcome.provider_id)) for outcome in outcomes] == [3, 3]
    messages = 0
    for submit, time in zip(gateway.seen, gateway.times, strict=True):
        assert time - 1000 >= messages / 2
        messages += len(submit.numbers)
    assert messages == 6


class Awaited(Scripted):
    """A scripted gateway that is called only while there is time to wait for its answer."""

    def submit(self, pdu: Submit, until: float, on: Any = None) -> tuple[SubmitResp, Any]:
        assert self.clock.now < until
        return super().submit(pdu, until, on)


@pytest.mark.parametrize(("rate", "before"), [(0.1, 0), (1, 5), (4, 20)])
@pytest.mark.parametrize("text", [THREE_PARTS, "你" * 1300])
def test_the_parts_of_a_message_go_in_the_time_of_its_call(
    rate: float, before: int, text: str
) -> None:
    """Nobody waits for an answer that comes later, and the claim of the call would end."""
    gateway = Awaited(rate=rate)
    gateway.pace.reserve(before, 1000.0, 1005.0)
    (outcome,) = gateway.send([number(1)], text)
    assert len(parts_of(outcome.provider_id)) == len(gateway.times)
    assert gateway.clock.now <= 1010.0  # two timeouts
    messages = before + len(gateway.times)
    with pytest.raises(Throttled) as error:  # what went too fast counts
        gateway.pace.reserve(1, gateway.clock.now, 0.0)
    assert error.value.retry_after == pytest.approx(1000.0 + messages / rate - gateway.clock.now)


def test_groups_whose_turn_comes_too_late_are_sent_later() -> None:
    gateway = Awaited(rate=1, numbers_per_submit=1)
    outcomes = gateway.send([number(n) for n in range(9)])
    assert [bool(outcome.provider_id) for outcome in outcomes] == [True] * 6 + [False] * 3
    assert all(outcome.untried for outcome in outcomes[6:])
    assert gateway.clock.now == 1005.0


def test_two_calls_share_the_rate() -> None:
    gateway = Scripted(rate=1)
    gateway.send([number(n) for n in range(4)])
    gateway.send([number(n) for n in range(4)])
    assert gateway.times == [1000.0, 1004.0]
