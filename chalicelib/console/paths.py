"""Ids as parts of paths, which may hold any sign."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

# Signs that divide a path, or that a gateway reads as code once it has decoded the path.
_DIVIDES = re.compile(r"[%/?#+;\\~\x00-\x1f\x7f]|\A\.{1,2}\Z")


def quoted(text: object) -> str:
    """Quote a text as one part of a path, for `plain` to give back.

    HTTP APIs were seen to decode `%252F` to `/`, and to cut a path at `%3F` (July 2026). Others
    decode a path once, or not at all. So what divides a path is written as `~2F`, which all of
    them leave alone.
    """
    marked = _DIVIDES.sub(lambda found: _marked(found[0]), str(text))
    return quote(marked, safe="", errors="replace")


def _marked(signs: str) -> str:
    return "".join(f"~{ord(sign):02X}" for sign in signs)


def plain(part: str) -> str:
    """Return the text of a part of a path, however often a gateway has decoded the path."""
    return re.sub("~([0-7][0-9A-F])", lambda found: chr(int(found[1], 16)), unquote(part))
