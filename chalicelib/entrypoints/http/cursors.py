"""Lists in pages: a cursor is the opaque text of a position, after which the next page begins."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from chalicelib.domain import keys
from chalicelib.domain.errors import Invalid
from chalicelib.entrypoints.http.context import RequestContext

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.base import ListQuery

MAX_BYTES = 5_000_000  # of a page, as Lambda hands it on (6 MB at most)

T = TypeVar("T")
Position = TypeVar("Position", str, int)


def page(
    name: str,
    context: RequestContext,
    begin: Callable[[str], Position],
    read: Callable[[Position, int], Sequence[T]],
    position: Callable[[T], Position],
    shown: Callable[[T], Any],
) -> dict[str, Any]:
    """Answer with a page: `{name: […], "cursor": …}`. The last page's cursor is null.

    `begin` makes a position of the text in a cursor, and `read` lists the items after a position.
    A page ends at the query's `limit`, or where an answer is full.
    """
    query: ListQuery = context.query()
    items = read(begin(text(query.cursor)), query.limit + 1)
    listed: list[Any] = []
    size = 0
    for item in items[: query.limit]:
        listed.append(shown(item))
        size += len(json.dumps(json.dumps(listed[-1])))  # a text within a text, as Lambda sends it
        if size > MAX_BYTES and len(listed) > 1:
            listed.pop()
            break
    is_last = len(items) == len(listed)
    following = None if is_last else cursor(position(items[len(listed) - 1]))
    return {name: listed, "cursor": following}


def searched(
    name: str,
    context: RequestContext,
    begin: Callable[[str], Position],
    read: Callable[[Position, int], tuple[Sequence[T], Position | None]],
    shown: Callable[[T], Any],
) -> dict[str, Any]:
    """Answer with a page of a search, which may be short although others follow.

    `read` returns items after a position, and the position where it ended, None at the end.
    """
    query: ListQuery = context.query()
    items, end = read(begin(text(query.cursor)), query.limit)
    return {name: list(map(shown, items)), "cursor": None if end is None else cursor(end)}


def cursor(position: str | int) -> str:
    """Return the cursor of a position."""
    raw = str(position).encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def text(cursor: str) -> str:
    """Return the text in a cursor. Raise Invalid for a cursor that was not made here."""
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise _wrong() from None


def _wrong() -> Invalid:
    return Invalid("cursor", "invalid; use the cursor of the previous page")


# -- Positions. Each function raises Invalid for a wrong text. An empty text is the beginning.


def number(text: str) -> int:
    if text and not re.fullmatch("[1-9][0-9]{0,14}", text, re.ASCII):
        raise _wrong()
    return int(text or 0)


def identifier(text: str) -> str:
    """Check an id: short, of visible ASCII. No key is made of any other text."""
    if text and not re.fullmatch(r"[\x21-\x7e]{1,200}", text, re.ASCII):
        raise _wrong()
    return text


def tag(text: str) -> str:
    if not text.isprintable():
        raise _wrong()
    return text


def user(text: str) -> str:
    """Check a position in the order of users."""
    if text and (
        not re.fullmatch(r"[0-9]{3}#.*", text, re.ASCII | re.DOTALL)
        or keys.position(text[4:]) != text
    ):
        raise _wrong()
    return text


def userid(text: str) -> str:
    """Check a user id: short, and visible."""
    if len(text) > 200 or not text.isprintable():
        raise _wrong()
    return text


def place(text: str) -> str:
    """Check a place among the targets of a message: partition, chunk and row."""
    if text and not re.fullmatch(r"[0-9]{1,4}-[0-9]{1,9}-[0-9]{1,9}", text, re.ASCII):
        raise _wrong()
    return text


def time_and_id(text: str) -> str:
    """Check a position by time: milliseconds, and the id of a stored request."""
    if text and not re.fullmatch(r"[0-9]{13}#[0-9a-v]{16}", text, re.ASCII):
        raise _wrong()
    return text


def time_ordered_id(text: str) -> str:
    """Check the id of a message or an import."""
    try:
        if text:
            keys.message_id_bytes(text)
    except ValueError:
        raise _wrong() from None
    return text
