"""Lists in pages: a cursor is the place after which the next page begins, written so that nobody takes it for one."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from chalicelib.domain import keys
from chalicelib.domain.errors import Invalid
from chalicelib.entrypoints.http.route import Call

MAX_BYTES = 5_000_000  # of a page, as Lambda hands it on: it takes 6 MB

T = TypeVar("T")
Position = TypeVar("Position", str, int)


def page(
    name: str,
    call: Call,
    begin: Callable[[str], Position],
    read: Callable[[Position, int], Sequence[T]],
    position: Callable[[T], Position],
    shown: Callable[[T], Any],
) -> dict[str, Any]:
    """`{name: […], "cursor": …}`: what `read` finds after a place, at most as many as `limit` and no more than an answer holds.

    The route's query has `cursor` and `limit`; `begin` makes a place of the cursor. The answer's cursor is null on the last page.
    """
    asked = call.asked()
    found = read(begin(_text(asked.cursor)), asked.limit + 1)
    listed: list[Any] = []
    size = 0
    for each in found[: asked.limit]:
        listed.append(shown(each))
        size += len(json.dumps(json.dumps(listed[-1])))  # a text within a text, as it leaves
        if size > MAX_BYTES and len(listed) > 1:
            listed.pop()
            break
    return {
        name: listed,
        "cursor": _cursor(position(found[len(listed) - 1])) if len(found) > len(listed) else None,
    }


def _cursor(position: str | int) -> str:
    return (
        base64.urlsafe_b64encode(str(position).encode("utf-8", "surrogatepass"))
        .decode()
        .rstrip("=")
    )


def _text(cursor: str) -> str:
    try:
        return base64.b64decode(
            cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        ).decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise _wrong() from None


def _wrong() -> Invalid:
    return Invalid("cursor", "is not one that was given")


# -- places. Each raises Invalid for a text that is none; an empty one is the beginning.


def number(text: str) -> int:
    if text and not re.fullmatch("[1-9][0-9]{0,14}", text, re.ASCII):
        raise _wrong()
    return int(text or 0)


def word(text: str) -> str:
    """Ids are short and of visible ASCII; whatever else a cursor may say, no key is made of it."""
    if text and not re.fullmatch(r"[\x21-\x7e]{1,200}", text, re.ASCII):
        raise _wrong()
    return text


def tag(text: str) -> str:
    if not text.isprintable():
        raise _wrong()
    return text


def user(text: str) -> str:
    """A place in the order of users."""
    if text and (
        not re.fullmatch(r"[0-9]{3}#.*", text, re.ASCII | re.DOTALL)
        or keys.position(text[4:]) != text
    ):
        raise _wrong()
    return text


def made(text: str) -> str:
    """The id of a message or an import."""
    try:
        if text:
            keys.message_id_bytes(text)
    except ValueError:
        raise _wrong() from None
    return text
