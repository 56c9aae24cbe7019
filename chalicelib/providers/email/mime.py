"""The body of a mail (RFC 2045, 2046): its texts in quoted-printable, its files in base64."""

from __future__ import annotations

import re
from base64 import encodebytes
from collections.abc import Sequence
from hashlib import sha256

from chalicelib.domain.provider_io import Attachment
from chalicelib.providers.email import headers

_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,127}")
# RFC 2045 6.4: these may not be in base64, so an attached mail is a file.
_COMPOSITE = ("message/", "multipart/")
_FILE = "application/octet-stream"
_LINE_END = re.compile(r"\r\n?|\n")

LINE = 76
_QUOTED = [
    chr(byte) if byte in b"\t\n" or (0x20 <= byte < 0x7F and byte != 0x3D) else f"={byte:02X}"
    for byte in range(256)
]
_LAST_BLANK = re.compile(r"[ \t](?=\n|\Z)")
_PIECE = re.compile(r".{1,75}(?<!=)(?<!=.)")  # leaves each =XX whole


def text(subtype: str, value: str) -> bytes:
    """Return a part with a text. Its lines fit into 7 bits and 76 characters."""
    return (
        f"Content-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        f"{_quoted_printable(value)}"
    ).encode()


def _quoted_printable(value: str) -> str:
    """Encode a text (RFC 2045 6.7).

    `binascii` makes lines of 78 characters where a blank ends a line.
    """
    quoted = "".join(map(_QUOTED.__getitem__, _LINE_END.sub("\n", value).encode()))
    lines = _LAST_BLANK.sub(lambda blank: f"={ord(blank[0]):02X}", quoted).split("\n")
    return "\r\n".join(
        line if len(line) <= LINE else "=\r\n".join(_PIECE.findall(line)) for line in lines
    )


def file(attachment: Attachment) -> bytes:
    """Return a part with a file. Raises ValueError for a name that cannot stand in a header."""
    media_type = attachment.type.lower()
    if not _MEDIA_TYPE.fullmatch(media_type) or media_type.startswith(_COMPOSITE):
        media_type = _FILE
    name = headers.parameter("filename", attachment.name)
    return (
        f"Content-Type: {media_type}\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment{name}\r\n\r\n"
    ).encode() + encodebytes(attachment.body).replace(b"\n", b"\r\n")


def multipart(subtype: str, parts: Sequence[bytes]) -> bytes:
    """Return one part that holds these parts.

    Its boundary has `=_`, which neither quoted-printable nor base64 can hold (RFC 2045 6.7). A part
    inside may have a boundary of its own, so the boundary depends on the parts.
    """
    boundary = "=_" + sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()[:32]
    start = f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n\r\n'
    mark = f"--{boundary}\r\n".encode()
    body = b"".join(mark + part + b"\r\n" for part in parts)
    return start.encode() + body + f"--{boundary}--\r\n".encode()
