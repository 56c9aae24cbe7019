"""The outcome that a contact stands for, and the troubles that contacts already had."""

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


# The last four digits of a phone number. Any other contact ends with the word itself.
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

# Troubles of a whole call, in the order of a call with several. A contact has each trouble once.
TROUBLES = (Behaviour.THROTTLE, Behaviour.FLAKY, Behaviour.TIMEOUT)


def of(contact: str) -> Behaviour:
    """Read the last four digits of a phone number, else the word after the last `-` before `@`."""
    if contact.removeprefix("+").isdigit():
        return DIGITS.get(contact[-4:], Behaviour.DELIVERED)
    _, dash, suffix = contact.partition("@")[0].rpartition("-")
    return WORDS.get(suffix, Behaviour.DELIVERED) if dash else Behaviour.DELIVERED


class Troubles:
    """Remembers the troubles of each contact, so that a repeat of the call succeeds."""

    def __init__(self) -> None:
        self._had: set[tuple[str, str]] = set()

    def of_call(self, provider: str, contacts: Sequence[str]) -> Behaviour | None:
        """Return the first new trouble of this call's contacts.

        All contacts of the call that stand for this trouble have then had it.
        """
        new: dict[Behaviour, list[str]] = {}
        for contact in contacts:
            behaviour = of(contact)
            if behaviour in TROUBLES and (provider, contact) not in self._had:
                new.setdefault(behaviour, []).append(contact)
        for trouble in TROUBLES:
            if trouble in new:
                self._had.update((provider, contact) for contact in new[trouble])
                return trouble
        return None

    def clear(self) -> None:
        self._had.clear()
