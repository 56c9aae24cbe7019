"""Hook of all fakes: a test can end a worker before or after every operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Killed(BaseException):
    """A worker ended here, as by SIGKILL: no `except Exception` of the code under test sees it."""


class Steps:
    """Steps, numbered from 0. `on_step` may raise, or do what another worker does."""

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
        """Step `name` before the effect, and `name.done` after an effect that raised nothing."""
        self.step(name, write=write)
        yield
        self.step(f"{name}.done", write=write)

    def kill_at(self, number: int) -> None:
        """Raise Killed at this step, counted from the beginning of the log; later steps pass."""

        def strike(current: int, name: str) -> None:
            if current == number:
                raise Killed(f"at step {number}: {name}")

        self.on_step = strike

    def spare(self) -> None:
        self.on_step = lambda number, name: None
