"""Request bodies: bytes to values, well-formed and bounded. schemas/ checks their fields."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.entrypoints.http.errors import PARAMETER, FieldError, Refused
from chalicelib.entrypoints.http.language import Text

MAX_DEPTH = 32  # of nested objects and arrays, as in DynamoDB
MAX_INT = 2**63 - 1
MAX_VALUES = 200_000  # of a body. The memory of a body grows with its values more than its bytes

# Fields of a content whose values people read: of a template of JSMS, and of one of WeChat.
READ_BY_PEOPLE = ("temp_para", "data")
OPAQUE = ("params", "extras")  # of a callback, of a push: handed on as they are

_NOT_TEXT = re.compile("[\ud800-\udfff\x00]")
# A text, also one that never ends: without backtracking, and without a second look at any byte.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_REPLACED = "\ufffd".encode()


class Number(float):
    """A number with a fraction or an exponent, whose text is the literal that was sent."""

    literal: str

    def __new__(cls, literal: str) -> Number:
        number = super().__new__(cls, literal)
        number.literal = literal
        return number

    def __str__(self) -> str:
        return self.literal


class BadBody(Refused):
    """The errors of a body, at least one. The first one is the message."""

    def __init__(self, code: int, errors: Sequence[FieldError]) -> None:
        (field, reason), *_ = errors
        super().__init__(code, reason.english, reason.chinese, field=field)
        self.errors = errors


class _Unfit(ValueError):
    """A value that is JSON, but not a value of a body."""

    def __init__(self, english: str, chinese: str) -> None:
        super().__init__(english)
        self.reason = Text(english, chinese)


def _bad(english: str, chinese: str) -> Refused:
    return Refused(PARAMETER, english, chinese, field="body")


def parse_json(raw: bytes) -> Any:
    """Parse one JSON value by RFC 8259. Raises Refused.

    NUL characters, half surrogate pairs and duplicate keys are refused too.
    """
    if not raw.strip():
        raise _bad("is empty, must be JSON", "为空，须为 JSON")
    _check_bytes(raw)
    try:
        value = json.loads(
            raw.decode("utf-8"),
            parse_constant=_no_constant,
            parse_int=_int,
            parse_float=_float,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        raise _not_utf8() from None
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        position = f"(line {error.lineno}, column {error.colno})"
        raise _bad(f"not JSON {position}", f"不是 JSON {position}") from None
    except _Unfit as error:
        raise _bad(*error.reason) from None
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


def as_written(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a content whose numbers are their literals where people read them: 100.00."""
    return {
        name: literals(field) if name in READ_BY_PEOPLE else field
        for name, field in content.items()
    }


def literals(value: Any) -> Any:
    """Return a value with the literals of its numbers as texts."""
    if isinstance(value, dict):
        return {name: literals(field) for name, field in value.items()}
    return str(value) if isinstance(value, Number) else value


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
    raise _Unfit(f"{name} is not JSON", f"{name} 不是 JSON")


def _int(digits: str) -> int:
    if len(digits) > 20 or abs(int(digits)) > MAX_INT:
        raise _Unfit("has an integer beyond 64 bits", "整数超过 64 位")
    return int(digits)


def _float(literal: str) -> Number:
    number = Number(literal)
    if math.isinf(number):
        raise _Unfit("has a number that is too large", "数字过大")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for name, field in pairs:
        if name in value:
            shown = _shown(name)
            raise _Unfit(f'duplicate key "{shown}"', f"字段重复「{shown}」")
        value[name] = field
    return value


def _check_bytes(raw: bytes) -> None:
    """Refuse too many values, and U+FFFD.

    API Gateway hands JSON on as text. It replaces bytes that are not UTF-8 by U+FFFD (seen
    2026-11). An author who means the character writes it as an escape.
    """
    if _REPLACED in raw:
        raise _not_utf8()
    if _separators(raw) >= MAX_VALUES and _separators(_STRING.sub(b"", raw)) >= MAX_VALUES:
        raise _bad(f"more than {MAX_VALUES} values", f"超过 {MAX_VALUES} 个值")


def _separators(raw: bytes) -> int:
    """Return a count that is at most one below the number of values, if there are no texts."""
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def _not_utf8() -> Refused:
    return _bad("must be UTF-8, without U+FFFD", "须为 UTF-8，不含 U+FFFD")


def _too_deep() -> Refused:
    return _bad(f"more than {MAX_DEPTH} levels deep", f"嵌套超过 {MAX_DEPTH} 层")


def _check(value: Any) -> None:
    """Check depth and texts, without recursion."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        if any(isinstance(text, str) and _NOT_TEXT.search(text) for text in level):
            raise _bad(
                "has a text with a NUL character or half a surrogate pair",
                "含有 NUL 字符或半个代理对",
            )
        containers = [item for item in level if isinstance(item, dict | list)]
        if not containers:
            return
        level = [part for container in containers for part in _parts(container)]
    raise _too_deep()


def _parts(container: dict[str, Any] | list[Any]) -> Sequence[Any]:
    return [*container, *container.values()] if isinstance(container, dict) else container
