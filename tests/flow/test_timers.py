"""What came due together does not wait for the one that fails."""

from __future__ import annotations

import pytest

from chalicelib.flow import timers


def test_everything_is_done_before_the_first_failure_is_raised() -> None:
    done: list[int] = []

    def work(number: int) -> None:
        if number % 2:
            raise ValueError(str(number))
        done.append(number)

    with pytest.raises(ValueError, match="1"):
        timers.do_all(work, range(6))
    assert done == [0, 2, 4]
