"""Assets that the build made: found by name, served under fingerprinted names for a year."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from chalicelib.console.door import Reply

STATIC = Path(__file__).resolve().parent / "static"
MEDIA = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
}
YEAR = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}


@cache
def manifest() -> dict[str, Any]:
    """Return the build's manifest: names of files, and the icons that there are."""
    content: dict[str, Any] = json.loads((STATIC / "manifest.json").read_text())
    return content


def address(name: str) -> str:
    return f"/console/assets/{manifest()['files'][name]}"


def serve(name: str, accepted: str) -> Reply | None:
    """Return an asset, compressed if the browser takes that, or None if there is no such file."""
    if name not in manifest()["files"].values():
        return None
    headers = dict(YEAR)
    path = STATIC / name
    packed = STATIC / f"{name}.gz"
    if "gzip" in accepted and packed.is_file():
        headers["Content-Encoding"], path = "gzip", packed
    return Reply(200, path.read_bytes(), MEDIA[name.rpartition(".")[2]], headers)
