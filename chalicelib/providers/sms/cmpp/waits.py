"""Waits of the threads that keep a gateway's connections."""

from __future__ import annotations

import random
from collections.abc import Callable

from chalicelib.domain.values import frozen
from chalicelib.providers.sms.cmpp.link import IDLE, PATIENCE


@frozen
class Waits:
    """Seconds that the threads of a gateway wait."""

    tick: float = 0.5  # between reads of a connection
    shortest: float = 1.0  # before connecting again
    longest: float = 60.0
    idle: float = IDLE
    patience: float = PATIENCE

    def after(
        self,
        failures: int,
        *,
        by_operator: bool,
        chance: Callable[[float, float], float] = random.uniform,
    ) -> float:
        """Return the wait before the next try, twice as long after each failure.

        It is the longest at once if an operator must act.
        """
        growing = min(self.shortest * 2.0 ** min(failures, 30), self.longest)
        return (self.longest if by_operator else growing) * chance(0.5, 1)


USUAL = Waits()
