"""Find the addresses of an HTML text's links: the `href` of each `<a>`, as browsers read it.

Source: https://html.spec.whatwg.org/multipage/parsing.html#tokenization (2026). The text is read
once from left to right, so the time grows with its length only.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from html.entities import html5
from typing import NamedTuple

# The comments of `[if …]` are HTML for Outlook.
_MARK = re.compile(
    r"<(?:(?P<comment>!--(?!\[if))|(?P<raw>script|style|title|textarea|xmp)(?=[\s/>])"
    r"|(?P<anchor>a)(?=[\s/])|(?P<tag>/?[a-z])[^\s/>]*)",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    r"[\s/]*(?P<name>[^\s/>][^\s/>=]*)"
    r"(?:\s*=\s*(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"'>][^\s>]*|(?P<open>[\"'])))?"
)
# With its final `;`, or in the old way without one. Not amid a query: `&region=2` is not a `&reg;`.
_REFERENCE = re.compile(
    r"&(#(?:\d{1,7}|[xX][0-9a-fA-F]{1,6});?|[A-Za-z][A-Za-z0-9]{1,31}(?:;|(?![=A-Za-z0-9;])))",
    re.ASCII,
)


class Address(NamedTuple):
    """An attribute's value, and its place in the text with the quotes."""

    start: int
    end: int
    value: str


def addresses(text: str) -> Iterator[Address]:
    """Yield the address of each link with its place, in order. Comments and scripts have none."""
    at = 0
    while mark := _MARK.search(text, at):
        if mark["comment"]:
            at = _after(text, "-->", mark.start() + len("<!"))
        elif mark["raw"]:
            ending = re.compile(rf"</{mark['raw']}(?=[\s/>])", re.IGNORECASE)
            closed = ending.search(text, mark.end())
            at = closed.end() if closed else len(text)
        else:
            at, href = _tag(text, mark.end())
            if mark["anchor"] and href is not None:
                yield href


def _after(text: str, ending: str, start: int) -> int:
    at = text.find(ending, start)
    return len(text) if at < 0 else at + len(ending)


def _tag(text: str, at: int) -> tuple[int, Address | None]:
    """Return the end of a tag, and its first `href`. A tag that never ends has none."""
    href: Address | None = None
    while attribute := _ATTRIBUTE.match(text, at):
        if attribute["name"].startswith("<"):  # what came before was a sign in a text: x <y
            return attribute.start("name"), None
        at = attribute.end()
        if attribute["open"]:
            return len(text), None
        if href is None and attribute["name"].lower() == "href" and attribute["value"]:
            value = attribute["value"]
            is_quoted = value[0] in "\"'"
            written = value[1:-1] if is_quoted else value
            href = Address(attribute.start("value"), attribute.end("value"), written)
    end = text.find(">", at)
    return (len(text), None) if end < 0 else (end + 1, href)


def decoded(value: str) -> str:
    """Decode an attribute's value as browsers do, which is not quite what `html.unescape` does."""

    def decode(match: re.Match[str]) -> str:
        is_number = match[1][0] == "#"
        return html.unescape(match[0]) if is_number else html5.get(match[1], match[0])

    return _REFERENCE.sub(decode, value)
