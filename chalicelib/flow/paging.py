"""Lists in pages: a cursor is the id after which the next page begins, written so that nobody takes it for one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from chalicelib.domain.errors import Invalid

T = TypeVar("T")
Id = TypeVar("Id", str, int)


def page(
    read: Callable[[Id, int], Sequence[T]], id_of: Callable[[T], Id], first: Id, cursor: str, limit: int
) -> tuple[Sequence[T], str | None]:
    """What `read` (after which id, how many) gives, and the cursor of the next page; raises Invalid for one that is none."""
    found = read(_id(cursor, type(first)) if cursor else first, limit + 1)
    return found[:limit], _cursor(id_of(found[limit - 1])) if len(found) > limit else None


def _cursor(last: str | int) -> str:
    return base64.urlsafe_b64encode(json.dumps(last).encode()).decode().rstrip("=")


def _id(cursor: str, kind: type[Id]) -> Id:
    try:
        value = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        value = None
    if type(value) is not kind or not _is_id(value):
        raise Invalid("cursor", "is not one that a page before gave")
    return value


def _is_id(value: str | int) -> bool:
    """Ids are short and of visible ASCII; whatever else a cursor may say, no key is made of it."""
    if isinstance(value, int):
        return 0 < value < 10**15
    return 0 < len(value) <= 200 and value.isascii() and value.isprintable()
