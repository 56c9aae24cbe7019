"""Tenants whose jobs took long, as the memory of one container.

A memory costs nothing where every provider is fast. Each container meets a slow one once.
"""

from __future__ import annotations

MEMORY = 300_000  # ms for which a long job is remembered
LONG = 2_500  # ms: a job that takes more holds up a worker for others to notice


class Slowness:
    """The names (delivery channel and tenant) whose last job took long."""

    def __init__(self) -> None:
        self._until: dict[str, int] = {}

    def note(self, name: str, begun: int, ended: int) -> None:
        """Remember or forget a name, by the time (ms) that its last job took."""
        if ended - begun > LONG:
            self._until[name] = ended + MEMORY
        else:
            self._until.pop(name, None)

    def keep(self, name: str, now: int) -> None:
        """Remember a name for longer: its jobs hold all the permits that they may hold."""
        self._until[name] = now + MEMORY

    def has(self, name: str, now: int) -> bool:
        return self._until.get(name, 0) > now
