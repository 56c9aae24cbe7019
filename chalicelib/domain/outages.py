"""Receivers that did not answer, as the memory of one container.

A receiver that is down costs a container one timeout in a while, not one for each batch.
"""

from __future__ import annotations

MEMORY = 10_000  # ms for which an outage is remembered


class Outages:
    """Addresses that could not be reached, each with the reason."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, str]] = {}

    def note(self, address: str, code: str, now: int) -> None:
        """Remember an outage, or forget it when the code is empty."""
        if code:
            self._seen = {name: seen for name, seen in self._seen.items() if seen[0] > now}
            self._seen[address] = (now + MEMORY, code)
        else:
            self._seen.pop(address, None)

    def code(self, address: str, now: int) -> str:
        """Return the reason why an address is down now, empty if it is not known to be."""
        until, code = self._seen.get(address, (0, ""))
        return code if until > now else ""
