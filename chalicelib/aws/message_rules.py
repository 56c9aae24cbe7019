"""The fields of a message that rules of sending need. They are stored only where they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.domain.rules.caps import settings_of
from chalicelib.domain.rules.personal import Personal

_READERS: Mapping[str, Callable[[Any], Any]] = {
    "caps": settings_of,
    "topic": int,
    "personal": lambda raw: {code: Personal.of(names) for code, names in raw.items()},
}


def used(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a message without those of rules that it does not use."""
    return {name: value for name, value in values.items() if value or name not in _READERS}


def read(body: Mapping[str, Any]) -> dict[str, Any]:
    """Read the fields of rules from a stored message."""
    return {name: reader(body[name]) for name, reader in _READERS.items() if name in body}
