"""Ids as parts of paths, which may hold any sign."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote


def quoted(text: object) -> str:
    """Quote a text as one part of a path, for `plain` to give back.

    A gateway decodes a path once before it is matched, so what would divide it is quoted twice.
    A browser resolves `.` and `..` even when they are quoted once.
    """
    marked = re.sub(r"[%/]|^\.{1,2}$", lambda found: _escaped(found[0]), str(text))
    return quote(marked, safe="", errors="replace")


def _escaped(signs: str) -> str:
    return "".join(f"%{ord(sign):02X}" for sign in signs)


def plain(part: str) -> str:
    """Return the text of a part of a path, which a gateway may have decoded once."""
    return unquote(unquote(part))
