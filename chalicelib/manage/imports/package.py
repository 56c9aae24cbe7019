"""The parts of an xlsx file, which is a zip archive of XML documents with relations.

ECMA-376 part 2 (Open Packaging Conventions) says how a relation names a part: by a path from the
part's own folder, or from the root, whatever the name ends in.
"""

from __future__ import annotations

import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, Protocol
from urllib.parse import unquote
from xml.parsers import expat

from chalicelib.domain.imports import Fault, Faulty
from chalicelib.domain.values import frozen

FILE = "file"
MAX_MEMBERS = 1000
MAX_EXPANDED = 256 * 1024 * 1024  # bytes of all that is in the archive
MAX_TAGS = 25_000_000  # of one part: 50,000 rows of 64 cells have 20 million at most
MAX_DEPTH = 256  # of nested elements: expat keeps each open one
MAX_TOKEN = 1 << 18  # bytes of one tag: expat before 2.6 reads an open tag anew with each chunk

_ARCHIVE, _COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # MS-OFFCRYPTO 2.3.4.4
_CHUNK = 1 << 16
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    EOFError,
    NotImplementedError,  # an unusual compression
    RuntimeError,  # an encrypted member
    OSError,
    ValueError,
    LookupError,  # an unknown encoding, a style that is not there
    ArithmeticError,
    MemoryError,
    struct.error,
)
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Reader(Protocol):
    """Receives the elements of a part, by names without the root's prefix."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None: ...
    def end(self, name: str) -> None: ...
    def text(self, data: str) -> None: ...


@frozen
class Relation:
    kind: str  # the last part of its type: `worksheet`
    part: str  # empty for a target outside the file


@contextmanager
def readable() -> Iterator[None]:
    """Turn what a broken file raises into a refusal of the file."""
    try:
        yield
    except Faulty:
        raise
    except _BROKEN as error:
        raise Faulty(FILE, Fault.UNREADABLE) from error


class Package:
    """An opened archive. All that reads a part takes it from here, by the name of a relation."""

    def __init__(self, raw: bytes, tags: int = MAX_TAGS, expanded: int = MAX_EXPANDED) -> None:
        _check_kind(raw)
        self._tags = tags  # of one part
        self._archive = zipfile.ZipFile(io.BytesIO(raw))
        members = self._archive.infolist()
        if len(members) > MAX_MEMBERS:
            raise Faulty(FILE, Fault.MANY_PARTS, most=MAX_MEMBERS)
        if sum(member.file_size for member in members) > expanded:
            raise Faulty(FILE, Fault.MANY_BYTES, most=expanded)
        # Names of parts do not tell capitals apart. Some programs write them with backslashes.
        self._members = {_name(member.filename): member for member in members}
        if "mimetype" in self._members and "content.xml" in self._members:
            raise Faulty(FILE, Fault.OPEN_DOCUMENT)

    def relations(self, part: str = "") -> Mapping[str, Relation]:
        """Return what a part refers to, by id. An empty name is the file itself."""
        folder, name = posixpath.split(part)
        reader = _Relations(folder)
        self.parse(posixpath.join(folder, "_rels", f"{name}.rels"), reader)
        return reader.relations

    def parse(self, part: str, reader: Reader) -> None:
        for _ in self.steps(part, reader):
            pass

    def steps(self, part: str, reader: Reader) -> Iterator[None]:
        """Parse a part, and yield after each chunk. Raise Faulty for a part that is not there."""
        parser, fed, tags = _parser(reader), 0, 0
        with self._open(part) as content:
            while chunk := content.read(_CHUNK):  # not a byte more than the directory says
                parser.Parse(chunk, False)
                fed, tags = fed + len(chunk), tags + chunk.count(b"<")
                if fed - parser.CurrentByteIndex > MAX_TOKEN + _CHUNK:
                    raise Faulty(FILE, Fault.UNREADABLE)
                if tags > self._tags:
                    raise Faulty(FILE, Fault.MANY_TAGS, most=self._tags)
                yield
        parser.Parse(b"", True)
        yield

    def _open(self, part: str) -> IO[bytes]:
        member = self._members.get(_name(part))
        if member is None or member.compress_type not in _COMPRESSIONS:
            raise Faulty(FILE, Fault.UNREADABLE)
        return self._archive.open(member)

    def mentions(self, part: str, name: str) -> bool:
        """Return whether a name may stand in a part, without parsing it."""
        forms = [name.encode(), name.encode("utf-16-le"), name.encode("utf-16-be")]
        tail = b""
        with self._open(part) as content:
            while chunk := content.read(_CHUNK):
                if any(form in tail + chunk for form in forms):
                    return True
                tail = chunk[-2 * len(name) :]
        return False


def _check_kind(raw: bytes) -> None:
    if raw.startswith(_COMPOUND):
        raise Faulty(FILE, Fault.ENCRYPTED if _ENCRYPTED in raw else Fault.OLD_WORKBOOK)
    if not raw.startswith(_ARCHIVE):
        raise Faulty(FILE, Fault.NOT_A_WORKBOOK)


def _name(part: str) -> str:
    return part.replace("\\", "/").lstrip("/").lower()


def _parser(reader: Reader) -> Any:
    """Build a parser that reads names without the prefix of the root."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    depth = prefix = 0
    on_start, on_end = reader.start, reader.end

    def start(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal depth, prefix
        if not depth:
            prefix = name.find(":") + 1
        depth += 1
        if depth > MAX_DEPTH:
            raise Faulty(FILE, Fault.UNREADABLE)
        on_start(name[prefix:] if prefix else name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        on_end(name[prefix:] if prefix else name)

    def no_doctype(*_: Any) -> None:  # no spreadsheet writes one, and entities may grow
        raise Faulty(FILE, Fault.UNREADABLE)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = no_doctype
    return parser


class Attributes:
    """A reader of attributes alone."""

    def end(self, name: str) -> None:
        pass

    def text(self, data: str) -> None:
        pass


class _Relations(Attributes):
    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.relations: dict[str, Relation] = {}

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name != "Relationship":
            return
        is_inside = attributes.get("TargetMode", "Internal") == "Internal"
        target = unquote(attributes.get("Target", "")).replace("\\", "/")
        part = posixpath.normpath(posixpath.join("/", self._folder, target)).lstrip("/")
        kind = attributes.get("Type", "").rpartition("/")[2]
        self.relations[attributes.get("Id", "")] = Relation(kind, part if is_inside else "")
