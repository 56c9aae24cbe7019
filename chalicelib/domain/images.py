"""Images that people upload: their media type, which their first bytes tell."""

from __future__ import annotations

PNG, JPEG = "image/png", "image/jpeg"
ENDINGS = {PNG: "png", JPEG: "jpg"}

_BEGINS = ((b"\x89PNG\r\n\x1a\n", PNG), (b"\xff\xd8\xff", JPEG))


def media_type(content: bytes) -> str:
    """Return the media type of a PNG or JPEG image, empty for anything else."""
    return next((media for begin, media in _BEGINS if content.startswith(begin)), "")
