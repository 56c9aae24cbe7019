"""The common hook of all fakes, so that a test can kill a worker anywhere.

Every operation passes the hook before and after its effect.
"""

from __future__ import annotations

import itertools
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
        self.on_step: Callable[[int, str], None] = lambda number, name: None

    def step(self, name: str, *, write: bool) -> None:
        number = len(self.log)
        self.log.append(name)
        if write:
            self.writes.append(number)
        self.on_step(number, name)

    @contextmanager
    def around(self, name: str, *, write: bool) -> Iterator[None]:
        """Make a step `name` before an effect, and a step `name.done` if the effect succeeds."""
        self.step(name, write=write)
        yield
        self.step(f"{name}.done", write=write)

    def kill_at(self, *numbers: int) -> None:
        """Raise Killed at these steps, counted from the beginning of the log. Others pass."""

        def strike(number: int, name: str) -> None:
            if number in numbers:
                raise Killed(f"at step {number}: {name}")

        self.on_step = strike

    def fail(self, error: Exception, *names: str, times: int | None = None) -> None:
        """Raise an error at the steps of these names, always or so many times. Others pass.

        An effect is there if the name is that of the step after it: `messages.create.done`.
        """
        left = itertools.repeat(error) if times is None else iter([error] * times)

        def strike(number: int, name: str) -> None:
            if name in names and next(left, None) is not None:
                raise error

        self.on_step = strike

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
            self.on_step = strike

        self.on_step = strike

    def spare(self) -> None:
        self.on_step = lambda number, name: None
