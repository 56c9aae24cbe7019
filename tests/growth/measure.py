"""The growth of work with its input: lines of Python, CPU time and memory.

Lines are counted exactly, and see Python's own loops. C code (`re`, `json`, `list.count`) has no
steps to count, so CPU time of this thread stands for them. It does not see other processes, but
they slow it. So the largest input is compared with a sixteenth of it: a growth by the square is
256, and the bound is 64. What is below the floor passes, because a caller cannot do harm with it.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import Any

Work = Callable[[], object]
Build = Callable[[int], Work]  # the work on an input of a size, which is made before

TIMES = 4  # how much larger each input is
MOST_TIMES = 12  # as much memory for it
MOST_CPU = 64  # times as much CPU time for 16 times the input
MOST_STEPS = 6  # as many lines, which are counted without any noise
CPU_FLOOR = 0.02  # seconds
MEMORY_FLOOR = 4_000_000  # bytes
STEP_FLOOR = 20_000
TRIES = 3


def check_growth(build: Build, most: int) -> None:
    """Check that work on inputs of up to `most` grows about as they do."""
    _check(_cpu, build, (most // TIMES**2, most), MOST_CPU, CPU_FLOOR)
    small = most // TIMES**3
    _check(_steps, build, (small, small * TIMES), MOST_STEPS, STEP_FLOOR)
    _check(_memory, build, (most // TIMES**2, most // TIMES), MOST_TIMES, MEMORY_FLOOR)


def _check(
    measure: Callable[[Work], float],
    build: Build,
    sizes: tuple[int, ...],
    times: int,
    floor: float,
) -> None:
    """Measure in ascending order, so that a failure comes before its largest input."""
    before = 0.0
    for size in sizes:
        work, bound = build(size), times * max(before, floor)
        is_noisy = measure is _cpu and not before  # and it has warmed the caches for the others
        used = min(measure(work) for _ in range(2 if is_noisy else 1))
        for _ in range(TRIES if before and used > bound else 0):
            used = min(used, measure(work))
        name = measure.__name__.strip("_")
        assert not before or used <= bound, f"{name}: {used:g} for {size}, {before:g} before"
        before = max(used, sys.float_info.min)


def _cpu(work: Work) -> float:
    begin = time.thread_time()
    work()
    return time.thread_time() - begin


def _steps(work: Work) -> float:
    lines = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return lines


def _memory(work: Work) -> float:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
