"""JSON that people type: read with its own words for numbers, and written with them again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

MAX_DEPTH = 64  # more than the API takes, which says so itself
_HALF = re.compile("[\ud800-\udfff]")


class Number(float):
    """A number with a fraction or an exponent. Its literal, such as 100.00, is what was typed."""

    literal: str

    def __new__(cls, literal: str) -> Number:
        number = super().__new__(cls, literal)
        number.literal = literal
        return number

    def __str__(self) -> str:
        return self.literal


def read(text: str) -> Any:
    """Read a value. Raise ValueError for a text that is not JSON, or that says one thing twice.

    No page can show half of a surrogate pair, so it is not read either.
    """
    try:
        value = json.loads(text, parse_float=Number, object_pairs_hook=_object)
    except RecursionError:
        raise _too_deep() from None
    level = [value]
    for _ in range(MAX_DEPTH):
        if any(isinstance(text, str) and _HALF.search(text) for text in level):
            raise ValueError("half a surrogate pair")
        level = [part for value in level for part in _parts(value)]
        if not level:
            return value
    raise _too_deep()


def _too_deep() -> ValueError:
    return ValueError(f"more than {MAX_DEPTH} levels deep")


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key stands twice in an object")
    return made


def _parts(value: Any) -> Sequence[Any]:
    if isinstance(value, Mapping):
        return [*value, *value.values()]
    return value if isinstance(value, list) else ()


def write(value: Any) -> str:
    """Write a value, with the literals of its numbers."""
    if isinstance(value, Number):
        return value.literal
    if isinstance(value, Mapping):
        named = (f"{json.dumps(name, ensure_ascii=False)}:{write(v)}" for name, v in value.items())
        return "{" + ",".join(named) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(write, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
