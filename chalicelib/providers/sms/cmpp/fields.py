"""Frames in a stream, and the numbers and texts in the fields of a CMPP message. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator

HEADER = struct.Struct(">III")
LONGEST = 16_384  # bytes: a SUBMIT to 99 numbers has under 4,000


class Malformed(ValueError):
    """Bytes that are not CMPP, or a value that its field cannot hold."""


class Framer:
    """Cut a stream into frames, however TCP has split or joined them."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the frames that are complete now.

        Raises Malformed for an impossible length. After that the stream cannot be read any more.
        """
        self._buffer += data
        while len(self._buffer) >= 4:
            length = int.from_bytes(self._buffer[:4], "big")
            if not HEADER.size <= length <= LONGEST:
                raise Malformed("Total_Length")
            if len(self._buffer) < length:
                break
            frame = bytes(self._buffer[:length])
            del self._buffer[:length]
            yield frame


class Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def raw(self, size: int) -> bytes:
        piece = self._data[self._at : self._at + size]
        if len(piece) < size:
            raise Malformed("too short")
        self._at += size
        return piece

    def uint(self, size: int) -> int:
        return int.from_bytes(self.raw(size), "big")

    def text(self, size: int) -> str:
        return self.raw(size).split(b"\0")[0].decode("ascii", "replace").strip()

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def end(self) -> None:
        if self.left:
            raise Malformed("too long")


def uint(value: int, size: int) -> bytes:
    try:
        return int(value).to_bytes(size, "big")
    except OverflowError:
        raise Malformed("a number that does not fit") from None


def text(value: str, size: int) -> bytes:
    raw = value.encode("ascii", "replace")
    if len(raw) > size or b"\0" in raw:
        raise Malformed("a text that does not fit")
    return raw.ljust(size, b"\0")
