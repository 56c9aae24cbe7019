"""What a contact brings about, and who had which trouble already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum


class Behaviour(StrEnum):
    DELIVERED = "delivered"
    REJECT = "reject"
    UNDELIVERED = "undelivered"
    SILENT = "silent"
    LATE = "late"
    FLAKY = "flaky"
    DOUBLE = "double"
    TIMEOUT = "timeout"
    THROTTLE = "throttle"
    CLICK = "click"


# The last four digits of a phone number; any other contact says the word itself.
DIGITS: Mapping[str, Behaviour] = {
    "0001": Behaviour.REJECT,
    "0002": Behaviour.UNDELIVERED,
    "0003": Behaviour.SILENT,
    "0004": Behaviour.LATE,
    "0005": Behaviour.FLAKY,
    "0006": Behaviour.DOUBLE,
    "0007": Behaviour.TIMEOUT,
    "0008": Behaviour.THROTTLE,
    "0009": Behaviour.CLICK,
}
WORDS: Mapping[str, Behaviour] = {str(behaviour): behaviour for behaviour in DIGITS.values()}

# Troubles of a whole call, which a contact has once, in the order in which a call with several meets them.
TROUBLES = (Behaviour.THROTTLE, Behaviour.FLAKY, Behaviour.TIMEOUT)


def of(contact: str) -> Behaviour:
    """By the last four digits of a phone number, else by the word after the last `-` before an `@`."""
    if contact.removeprefix("+").isdigit():
        return DIGITS.get(contact[-4:], Behaviour.DELIVERED)
    _, dash, word = contact.partition("@")[0].rpartition("-")
    return WORDS.get(word, Behaviour.DELIVERED) if dash else Behaviour.DELIVERED


class Troubles:
    """Remembers who had which trouble, so that a repeat of the call succeeds."""

    def __init__(self) -> None:
        self._had: set[tuple[str, str]] = set()

    def of_call(self, provider: str, contacts: Sequence[str]) -> Behaviour | None:
        """The first trouble that a contact of this call has not had yet; all contacts that bring it have then had it."""
        found: dict[Behaviour, list[str]] = {}
        for contact in contacts:
            behaviour = of(contact)
            if behaviour in TROUBLES and (provider, contact) not in self._had:
                found.setdefault(behaviour, []).append(contact)
        for trouble in TROUBLES:
            if trouble in found:
                self._had.update((provider, contact) for contact in found[trouble])
                return trouble
        return None

    def clear(self) -> None:
        self._had.clear()
