"""Inputs that make careless patterns and parsers slow."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

# Beginnings that may wait for an end which never comes, and whatever backtracks.
PIECES: Sequence[str] = (
    "{{",
    "{{a}}",
    "{{ ",
    "{{user.a",
    '{{user.a|default:"',
    "}}",
    "{",
    "<",
    "<a ",
    '<a href="',
    "<a href='",
    "<a href=",
    "</a>",
    "<p>",
    "<!--",
    "<![CDATA[",
    "<?",
    "](",
    "[a](",
    "&",
    "&#",
    "&amp",
    "=?",
    "=?utf-8?q?",
    "%",
    "%e4",
    ".",
    "-",
    "@",
    "a@",
    "a.",
    "/",
    "//",
    ":",
    "\\",
    '"',
    "'",
    "(",
    "[",
    " ",
    "\t",
    "\r\n",
    "é",
    "中",
    "\U0001f600",
    "\u0301",
    "\u3000",
    "0",
    "9",
    "1e",
    ",",
    ";",
    "=",
    "a=b&",
    "#",
    "x",
    "daily ",
    "no such ",
    "en,",
    "退订",
    "http://",
    "https://a.cn/ ",
    "\x00",
    "\ufdfa",
)

ENDS = ("", "\x01")  # with which a match that came far fails


def texts(size: int, begin: str = "") -> Sequence[str]:
    """Return texts of about this many characters, one per piece."""
    return [begin + piece * (size // len(piece)) + end for piece in PIECES for end in ENDS]


def _nested(size: int) -> str:
    return "[" * (size // 2) + "]" * (size // 2)


BODIES: Mapping[str, Callable[[int], str]] = {
    "unknown names": lambda size: json.dumps({f"n{n:07}": 0 for n in range(size // 14)}),
    "a repeated name": lambda size: (
        "{" + "".join(f'"n{n:07}":0,' for n in range(size // 12)) + f'"n{size // 12 - 1:07}":0}}'
    ),
    "objects": lambda size: json.dumps([{} for _ in range(size // 4)]),
    "lists": lambda size: json.dumps([[] for _ in range(size // 4)]),
    "nested lists": _nested,
    "nulls": lambda size: json.dumps([None] * (size // 6)),
    "short texts": lambda size: json.dumps(["a"] * (size // 5)),
    "a text of commas": lambda size: json.dumps("," * size),
    "escapes": lambda size: json.dumps("\n" * (size // 2)),
    "escaped quotes without an end": lambda size: '["' + '\\",' * (size // 3),
    "quotes": lambda size: '"' * size,
    "digits": lambda size: "1" * size,
    "a fraction": lambda size: "0." + "1" * size,
    "an exponent": lambda size: "1e-" + "1" * size,
    "blanks": lambda size: " " * size + "x",
}


def values(size: int) -> Sequence[Any]:
    """Return JSON values of this many parts."""
    return (
        {f"n{n}": n for n in range(size)},
        [{} for _ in range(size)],
        [{"data": ["x"]} for _ in range(size)],
        ["x"] * size,
        "x" * size,
        {"all": ["x"] * size},
    )
