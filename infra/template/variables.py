"""The variables that a stage sets in .chalice/config.json, checked when it is packaged.

A function reads them as they are. A wrong one would fail with the first request that needs it, or
be taken for another meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple


class Rule(NamedTuple):
    pattern: str
    words: str  # the pattern, as a reader of the error needs it


_NUMBER = Rule(r"[1-9][0-9]{0,8}", "a whole number from 1 on")
RULES: Mapping[str, Rule] = {
    "CLOCK_WIDTH": _NUMBER,
    "PROVIDER_TIMEOUT": Rule(r"(?!0+(\.0*)?$)[0-9]{1,3}(\.[0-9]+)?", "seconds, more than 0"),
    "SUBMIT_WITHIN": _NUMBER,
    "UTC_OFFSET": Rule(r"-?([0-9]|1[0-4])(\.(0|25|50?|75))?", "hours from -14 to 14, in quarters"),
    "CURRENCY": Rule(r"[A-Z]{3}", "three capital letters, by ISO 4217"),
    "RECOUNT_DELAYS": Rule(r"[0-9]{1,9}(,[0-9]{1,9})*", "seconds, joined by commas"),
    "HISTORY_DAYS": _NUMBER,
    "REQUEST_RATE": _NUMBER,
    "SETTINGS_CACHE": Rule(r"[0-9]{1,9}", "a whole number from 0 on"),
}


def wrong(variables: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each variable that has no meaning."""
    for name, rule in RULES.items():
        value = variables.get(name)
        if value is not None and not re.fullmatch(rule.pattern, value, re.ASCII):
            yield f'{name}: "{value}" must be {rule.words}'
