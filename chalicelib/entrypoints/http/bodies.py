"""Request bodies: bytes to values. Whatever comes in, what goes on is well-formed and bounded; shapes/ says what it must look like."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from chalicelib.entrypoints.http.errors import PARAMETER, Refused

MAX_DEPTH = 32  # of nested objects and arrays; DynamoDB's own limit
MAX_INT = 2**63 - 1

OWN = ("params", "extras")  # of a callback, of a push: handed on as they are

_UNTEXT = re.compile("[\ud800-\udfff\x00]")


class BadBody(Refused):
    """All that is wrong with a body, as (field, reason); the first is the message."""

    def __init__(self, code: int, errors: Sequence[tuple[str, str]]) -> None:
        field, reason = errors[0]
        super().__init__(code, f"{field}: {reason}", field=field)
        self._errors = errors

    @property
    def errors(self) -> Sequence[tuple[str, str]]:
        return self._errors


def parse_json(raw: bytes) -> Any:
    """Raises Refused for anything but one JSON value as RFC 8259 has it, without NUL, half surrogate pairs and repeated names."""
    if not raw.strip():
        raise Refused(PARAMETER, "body: is empty, must be JSON", field="body")
    try:
        value = json.loads(
            raw.decode("utf-8"),
            parse_constant=_no_constant,
            parse_int=_int,
            parse_float=_float,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        raise Refused(PARAMETER, "body: must be UTF-8", field="body") from None
    except RecursionError:
        raise Refused(PARAMETER, f"body: more than {MAX_DEPTH} levels deep", field="body") from None
    except json.JSONDecodeError as error:
        raise Refused(
            PARAMETER, f"body: not JSON (line {error.lineno}, column {error.colno})", field="body"
        ) from None
    except ValueError as error:
        raise Refused(PARAMETER, f"body: {error}", field="body") from None
    _check(value)
    return value


def without_nulls(value: Any) -> Any:
    """The same without the names whose value is null, which stand for what is left out. What is the sender's own stays as it is."""
    if isinstance(value, dict):
        return {
            name: each if name in OWN else without_nulls(each)
            for name, each in value.items()
            if each is not None
        }
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def field_name(path: Sequence[int | str]) -> str:
    """`aud_userid[3]`, `option.sendno`: as a reader of the body would write it."""
    name = ""
    for part in path:
        name += (
            f"[{part}]" if isinstance(part, int) else f".{_shown(part)}" if name else _shown(part)
        )
    return name


def _shown(name: str) -> str:
    return name if len(name) <= 64 else name[:64] + "…"


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _int(digits: str) -> int:
    if len(digits) > 20 or abs(int(digits)) > MAX_INT:
        raise ValueError("has an integer beyond 64 bits")
    return int(digits)


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("has a number that is too large")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"has the name {_shown(twice)!r} twice in one object")
    return value


def _check(value: Any) -> None:
    """Depth and texts, without recursion."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        for text in level:
            if isinstance(text, str) and _UNTEXT.search(text):
                raise Refused(
                    PARAMETER,
                    "body: has a text with a NUL character or half a surrogate pair",
                    field="body",
                )
        containers = [each for each in level if isinstance(each, dict | list)]
        if not containers:
            return
        level = [part for each in containers for part in _parts(each)]
    raise Refused(PARAMETER, f"body: more than {MAX_DEPTH} levels deep", field="body")


def _parts(container: dict[str, Any] | list[Any]) -> Sequence[Any]:
    return [*container, *container.values()] if isinstance(container, dict) else container
