"""The common hook of all fakes, so that a test can kill a worker anywhere.

Every operation passes the hook before and after its effect. Steps without an effect in between
are one place to be ended: the worker's memory is lost, and the store is the same. `kills` has
the first step of each place.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Killed(BaseException):
    """A worker ended here, as by SIGKILL.

    It is not an `Exception`, so the code under test does not catch it.
    """


class Steps:
    """A log that numbers every step from 0.

    `on_step` may raise, or act as another worker at this moment.
    """

    def __init__(self) -> None:
        self.log: list[str] = []
        self.writes: list[int] = []  # the numbers of the steps around writes
        self.kills: list[int] = []  # the steps at which the end of a worker leaves something new
        self._is_new, self._is_spared = True, False
        self.on_step: Callable[[int, str], None] = lambda number, name: None

    def step(self, name: str, *, write: bool) -> None:
        number = len(self.log)
        self.log.append(name)
        if write:
            self.writes.append(number)
        if self._is_new and not self._is_spared:
            self.kills.append(number)
        self._is_new = write
        self.on_step(number, name)

    @contextmanager
    def around(self, name: str, *, write: bool) -> Iterator[None]:
        """Make a step `name` before an effect, and a step `name.done` if the effect succeeds."""
        self.step(name, write=write)
        try:
            yield
        finally:
            self._is_new |= write
        self.step(f"{name}.done", write=write)
        self._is_new = False

    def kills_around(self, *names: str) -> list[int]:
        """Return the places to be ended that have a step whose name begins so."""
        numbers = (n for n, name in enumerate(self.log) if name.startswith(names))
        return sorted({self.kills[bisect_right(self.kills, n) - 1] for n in numbers})

    def begin_work(self) -> None:
        """Say that the next step is another worker's, or at another time."""
        self._is_new = True

    def forget_steps(self) -> None:
        """Count steps from 0 again."""
        self.log.clear()
        self.writes.clear()
        self.kills.clear()
        self._is_new = True

    def kill_at(self, *numbers: int) -> None:
        """Raise Killed at these steps, counted from the beginning of the log. Others pass."""

        def strike(number: int, name: str) -> None:
            if number in numbers:
                raise Killed(f"at step {number}: {name}")

        self.on_step, self._is_spared = strike, False

    def fail(self, error: Exception, *names: str, times: int | None = None) -> None:
        """Raise an error at the steps of these names, always or so many times. Others pass.

        An effect is there if the name is that of the step after it: `messages.create.done`.
        """
        assert all(isinstance(name, str) for name in names), "an error in place of a step"
        left = itertools.repeat(error) if times is None else iter([error] * times)

        def strike(number: int, name: str) -> None:
            if name in names and next(left, None) is not None:
                raise error

        self.on_step, self._is_spared = strike, False

    def meanwhile(self, name: str, act: Callable[[], object], times: int | None = None) -> None:
        """Act as another worker at each step of this name, or at the first ones alone.

        The steps of the act itself pass.
        """
        left = [times]

        def strike(number: int, step: str) -> None:
            if step != name or left[0] == 0:
                return
            left[0] = None if left[0] is None else left[0] - 1
            self.spare()
            act()
            self.on_step, self._is_spared = strike, False

        self.on_step, self._is_spared = strike, False

    def spare(self) -> None:
        self._is_spared = True
        self.on_step = lambda number, name: None
