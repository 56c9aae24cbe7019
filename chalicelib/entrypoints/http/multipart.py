"""Forms with files: bytes to parts, with a limit on everything that a hostile form could repeat."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.entrypoints.http.errors import PARAMETER, WRONG_MEDIA, Refused

MAX_PARTS = 10
MAX_HEADERS = 4096  # bytes of a part's headers


@dataclass
class Part:
    name: str = ""
    filename: str | None = None
    body: bytearray = field(default_factory=bytearray, repr=False)


def parts(content_type: str, raw: bytes, *, most: int = MAX_PARTS) -> list[Part]:
    """Parse a form of at most so many parts. Raises Refused."""
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    try:
        kind, options = parse_options_header(content_type)
    except UnicodeEncodeError:  # the header has more than Latin-1
        kind, options = b"", {}
    boundary = options.get(b"boundary", b"")
    if kind.lower() != b"multipart/form-data" or not 1 <= len(boundary) <= 70:
        raise WRONG_MEDIA.refuse("Content-Type", media="multipart/form-data with a boundary")
    reader = _Reader(most)
    try:
        parser = MultipartParser(boundary, reader.callbacks)  # type: ignore[arg-type]
        parser.write(raw)
        if not reader.is_over:
            parser.write(_last_boundary(raw, boundary))
        parser.finalize()
    except (FormParserError, ValueError):
        raise _bad("not readable as multipart/form-data", "不是 multipart/form-data") from None
    if not reader.is_over:
        raise _broken_off()
    return reader.parts


def _last_boundary(raw: bytes, boundary: bytes) -> bytes:
    """Return the last boundary, to be added to a form that ends without it.

    Go's SDK posts such forms. Only Content-Length tells that they are complete. Raises Refused if
    a form breaks off within a boundary.
    """
    last = b"\r\n--" + boundary + b"--\r\n"
    if any(raw.endswith(last[:size]) for size in range(4, len(last))):
        raise _broken_off()
    return last


def _broken_off() -> Refused:
    return _bad("the form has no end", "表单不完整")


def _bad(english: str, chinese: str) -> Refused:
    return Refused(PARAMETER, english, chinese, field="body")


class _Reader:
    """The callbacks of the parser, which collect the parts."""

    def __init__(self, most: int) -> None:
        self.parts: list[Part] = []
        self._most = most
        self.is_over = False
        self._name, self._value, self._length = b"", b"", 0
        self.callbacks = {
            "on_part_begin": self._begin,
            "on_part_data": self._data,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.parts) >= self._most:
            raise _bad(f"more than {self._most} parts", f"超过 {self._most} 个部分")
        self.parts.append(Part())
        self._name, self._value, self._length = b"", b"", 0

    def _data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].body += data[start:end]

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += self._measured(data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += self._measured(data[start:end])

    def _measured(self, piece: bytes) -> bytes:
        self._length += len(piece)
        if self._length > MAX_HEADERS:
            raise _bad(
                f"a part has more than {MAX_HEADERS} bytes of headers",
                f"头部超过 {MAX_HEADERS} 字节",
            )
        return piece

    def _header(self) -> None:
        from python_multipart.multipart import parse_options_header

        if self._name.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            self.parts[-1].name = _text(options.get(b"name", b""))
            self.parts[-1].filename = (
                _file_name(_text(options[b"filename"])) if b"filename" in options else None
            )
        self._name, self._value = b"", b""

    def _end(self) -> None:
        self.is_over = True


def _file_name(name: str) -> str:
    """Decode a name that is not ASCII.

    .NET's HttpClient writes an encoded word of RFC 2047. Others write UTF-8 (RFC 7578, 4.2).
    """
    from email.errors import HeaderParseError
    from email.header import decode_header, make_header

    try:
        return str(make_header(decode_header(name))) if name.startswith("=?") else name
    except (HeaderParseError, LookupError, ValueError):
        return name


def _text(raw: bytes) -> str:
    """Decode a name of a part. What is not UTF-8 is most often of a Chinese Windows."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", "replace")
    return text.replace("\x00", "")
