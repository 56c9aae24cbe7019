"""Repeats of requests to AWS that were throttled or not answered, and the pauses before them.

Nobody waits for a worker, so it repeats patiently. A caller waits for the API. So all repeats of
one caller's request share a budget of seconds. After them the caller is told to come again.
A provider that posts receipts waits longer, and may come again late, seldom or never.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

# Seconds of a request, for failed attempts and the pauses after them.
CALLER = 0.5
PROVIDER = 3.0  # WeChat and WeCom wait five seconds for an answer, as their documents say
FIRST = 0.1  # of the budget: the first pause at most, each further one is twice as long


class _Budget:
    def __init__(self, seconds: float) -> None:
        self.left, self.sent, self.first = seconds, time.monotonic(), FIRST * seconds


_budget: ContextVar[_Budget | None] = ContextVar("budget", default=None)


@contextmanager
def hurried(*, for_provider: bool) -> Iterator[None]:
    """Bound all repeats within the block, because a caller or a provider waits for its end."""
    token = _budget.set(_Budget(PROVIDER if for_provider else CALLER))
    try:
        yield
    finally:
        _budget.reset(token)


def begin(**_: Any) -> None:
    """Note when an attempt begins. The SDK calls this for each."""
    budget = _budget.get()
    if budget is not None:
        budget.sent = time.monotonic()


def pause(failures: int, longest: float) -> float | None:
    """Return the seconds until a repeat, or None if the caller should not wait for one.

    `longest` is the longest pause of a worker after `failures` failures. The pauses have jitter.
    """
    budget = _budget.get()
    if budget is None:
        return random.uniform(0, longest)  # noqa: S311 - spreads retries
    budget.left -= time.monotonic() - budget.sent
    most = budget.first * 2 ** (failures - 1)
    seconds = random.uniform(most / 2, most)  # noqa: S311 - spreads retries
    if seconds > budget.left:
        return None
    budget.left -= seconds
    return seconds


def wait(failures: int, longest: float) -> bool:
    """Wait until a repeat. Return False if the caller should not wait for one."""
    seconds = pause(failures, longest)
    if seconds is None:
        return False
    time.sleep(seconds)
    return True
