"""Bodies of requests: parsed once for all that only read them.

A service parses the body once more, since it changes and keeps what it gets.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

KEPT = 8  # requests may be served at once, and their bodies may be large


@lru_cache(maxsize=KEPT)
def parsed(body: bytes | str) -> Any:
    """Return the content of a body, which the caller leaves as it is."""
    return json.loads(body)


class ParsedOnce:
    """A substitute of the module `json` for modules that only read bodies."""

    loads = staticmethod(parsed)

    def __getattr__(self, name: str) -> Any:
        return getattr(json, name)
