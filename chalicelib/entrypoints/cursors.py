"""Pages of lists: where the next one begins is told as a text that says nothing to its reader."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from chalicelib.domain import keys
from chalicelib.domain.errors import Invalid

MAX_LIMIT = 100

T = TypeVar("T")


def page(name: str, found: Sequence[T], limit: int, shown: Callable[[T], Any], position: Callable[[T], str]) -> dict[str, Any]:
    """An answer with a list under its name; `cursor` is null on the last page. Ask the store for as many as the limit."""
    after = _cursor(position(found[-1])) if len(found) >= limit else None
    return {name: [shown(each) for each in found], "cursor": after}


def _cursor(position: str) -> str:
    return base64.urlsafe_b64encode(position.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def text(cursor: str) -> str:
    """The position of a cursor; raises Invalid for what is none."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return raw.decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise Invalid("cursor", "is not one that was given") from None


def user(cursor: str) -> str:
    """A place in the order of users."""
    position = text(cursor)
    if position and (not re.fullmatch(r"[0-9]{3}#.*", position, re.ASCII | re.DOTALL) or keys.position(position[4:]) != position):
        raise Invalid("cursor", "is not one that was given")
    return position


def made(cursor: str) -> str:
    """The id of a message or an import."""
    id = text(cursor)
    try:
        if id:
            keys.message_id_bytes(id)
    except ValueError:
        raise Invalid("cursor", "is not one that was given") from None
    return id
