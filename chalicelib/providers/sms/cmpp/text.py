"""SMS texts: choose the alphabet, cut a text into parts, and read the texts of people. Pure.

Sources: 3GPP TS 23.038 (alphabets), TS 23.040 9.2.3.24.1 (concatenated messages). CMPP's Msg_Length
is under 160 for ASCII and at most 140 otherwise. Msg_Fmt 0 means ASCII to most gateways, which make
GSM characters of it. Some gateways want the GSM alphabet itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field

from chalicelib.domain.values import frozen

ASCII, BINARY, UCS2, GBK = 0, 4, 8, 15  # Msg_Fmt
MAX_PARTS = 20  # of one message. Networks give up well before the 255 that the header allows.
LONG_SEPTETS, LONG_UNITS = 153, 67  # characters of a part of several: GSM, UCS-2
ONE_SEPTETS, ONE_UNITS = 159, 70

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPE = 0x1B
_EXTENSION = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
_GSM = {
    **{c: bytes([n]) for n, c in enumerate(_BASIC) if n != _ESCAPE},
    **{c: bytes([_ESCAPE, n]) for c, n in _EXTENSION.items()},
}

ALPHABETS = ("ascii", "gsm", "ucs2")


@frozen
class Part:
    format: int
    content: bytes = field(repr=False)
    has_header: bool = False


def parts(text: str, alphabet: str, reference: int) -> list[Part]:
    """Return the text as one SMS or several.

    `alphabet`: the meaning of Msg_Fmt 0 (`ascii` or `gsm`), or `ucs2` to use UCS-2 alone.
    `reference` (0 to 255) tells the parts of one message from those of another to the same phone.
    """
    small = alphabet != "ucs2" and all(
        c in _GSM and (alphabet == "gsm" or c.isascii()) for c in text
    )
    if small:
        write: Callable[[str], bytes] = _gsm if alphabet == "gsm" else str.encode
        pieces = _cut(text, lambda c: len(_GSM[c]), ONE_SEPTETS, LONG_SEPTETS)
    else:
        write = _ucs2
        pieces = _cut(text, lambda c: 2 if ord(c) > 0xFFFF else 1, ONE_UNITS, LONG_UNITS)
    form = ASCII if small else UCS2
    if len(pieces) == 1:
        return [Part(form, write(pieces[0]))]
    return [
        Part(form, bytes((5, 0, 3, reference, len(pieces), n)) + write(piece), True)
        for n, piece in enumerate(pieces, 1)
    ]


def _gsm(text: str) -> bytes:
    return b"".join(_GSM[c] for c in text)


def _ucs2(text: str) -> bytes:
    return text.encode("utf-16-be", "replace")


def _cut(text: str, width: Callable[[str], int], alone: int, long: int) -> list[str]:
    """Cut a text without splitting a character of two units."""
    if sum(map(width, text)) <= alone:
        return [text]
    return list(_pieces(text, width, long))


def _pieces(text: str, width: Callable[[str], int], long: int) -> Iterator[str]:
    start = used = 0
    for n, c in enumerate(text):
        if used + width(c) > long:
            yield text[start:n]
            start, used = n, 0
        used += width(c)
    yield text[start:]


def read(content: bytes, form: int, has_header: bool) -> str:
    """Return the text of a person, or one part of a long one. Unreadable bytes are replaced."""
    if has_header and content:
        content = content[1 + content[0] :]
    if form == UCS2:
        return content.decode("utf-16-be", "replace")
    if form == GBK:
        return content.decode("gb18030", "replace")
    return content.decode("ascii", "replace") if form != BINARY else content.decode("latin-1")
