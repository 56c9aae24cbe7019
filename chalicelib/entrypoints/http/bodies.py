"""Request bodies: bytes to values, well-formed and bounded. schemas/ checks their fields."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from chalicelib.entrypoints.http.errors import PARAMETER, FieldError, Refused

MAX_DEPTH = 32  # of nested objects and arrays, as in DynamoDB
MAX_INT = 2**63 - 1

OPAQUE = ("params", "extras")  # of a callback, of a push: handed on as they are

_NOT_TEXT = re.compile("[\ud800-\udfff\x00]")


class BadBody(Refused):
    """The errors of a body, at least one. The first one is the message."""

    def __init__(self, code: int, errors: Sequence[FieldError]) -> None:
        (field, reason), *_ = errors
        super().__init__(code, reason.english, reason.chinese, field=field)
        self.errors = errors


def _bad(reason: str) -> Refused:
    return Refused(PARAMETER, reason, field="body")


def parse_json(raw: bytes) -> Any:
    """Parse one JSON value by RFC 8259. Raises Refused.

    NUL characters, half surrogate pairs and duplicate keys are refused too.
    """
    if not raw.strip():
        raise _bad("is empty, must be JSON")
    try:
        value = json.loads(
            raw.decode("utf-8"),
            parse_constant=_no_constant,
            parse_int=_int,
            parse_float=_float,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        raise _bad("must be UTF-8") from None
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        position = f"(line {error.lineno}, column {error.colno})"
        raise _bad(f"not JSON {position}") from None
    except ValueError as error:
        raise _bad(str(error)) from None
    _check(value)
    return value


def without_nulls(value: Any) -> Any:
    """Drop the names whose value is null, which means absent. Opaque values stay as they are."""
    if isinstance(value, dict):
        return {
            name: field if name in OPAQUE else without_nulls(field)
            for name, field in value.items()
            if field is not None
        }
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def field_name(path: Sequence[int | str]) -> str:
    """Write a path as a reader of the body would: `aud_userid[3]`, `option.sendno`."""
    name = ""
    for part in path:
        if isinstance(part, int):
            name += f"[{part}]"
        else:
            name += f".{_shown(part)}" if name else _shown(part)
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
        duplicate = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'duplicate key "{_shown(duplicate)}"')
    return value


def _too_deep() -> Refused:
    return _bad(f"more than {MAX_DEPTH} levels deep")


def _check(value: Any) -> None:
    """Check depth and texts, without recursion."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        if any(isinstance(text, str) and _NOT_TEXT.search(text) for text in level):
            raise _bad("has a text with a NUL character or half a surrogate pair")
        containers = [item for item in level if isinstance(item, dict | list)]
        if not containers:
            return
        level = [part for container in containers for part in _parts(container)]
    raise _too_deep()


def _parts(container: dict[str, Any] | list[Any]) -> Sequence[Any]:
    return [*container, *container.values()] if isinstance(container, dict) else container
