"""Imports of files: what kinds there are, how far one has come, and cells that spreadsheets must not run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MAX_ROWS = 50_000  # as UMS's own upload takes
MAX_BYTES = 30 * 1024 * 1024
MAX_COLUMNS = 64

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_ESCAPE = "'"


class ImportKind(StrEnum):
    USERS = "users"
    TAGS = "tags"
    SEGMENT = "segment"
    LIST = "list"  # a black- or whitelist


class FileFormat(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


class ImportState(StrEnum):
    WAITING = "waiting"  # for its file, and to be started
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # the file as a whole; nothing or not all of it was read


@dataclass(frozen=True)
class Import:
    """`rows` is also the place from which a worker goes on; `version` guards against two workers at once, 0 is not stored yet."""

    id: str
    kind: ImportKind
    format: FileFormat
    created: int  # ms
    expires: int  # epoch seconds
    target: int = 0  # number of the segment or list
    state: ImportState = ImportState.WAITING
    etag: str = ""  # of the file that was started: another one in its place is not read
    total: int = 0  # rows of the file, once somebody has looked through it
    rows: int = 0  # that were read and worked on
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    tries: int = 0  # workers that began since the last progress
    reason: str = ""  # why all of it failed
    version: int = 0

    @property
    def percentage(self) -> int:
        if self.state is ImportState.DONE:
            return 100
        return self.rows * 100 // self.total if self.total else 0


@dataclass(frozen=True)
class BadRow:
    """A row of the file that changed nothing, by its number in a spreadsheet (the header is in row 1 where nothing stands above)."""

    row: int
    field: str
    reason: str


def escaped(cell: str) -> str:
    """A cell of an export: what a spreadsheet would take for a formula begins with an apostrophe."""
    return (
        _ESCAPE + cell
        if cell.lstrip(" ").startswith(_FORMULA) or cell.startswith(_FORMULA)
        else cell
    )


def unescaped(cell: str) -> str:
    """A cell of a file as it was before `escaped`, so that what was exported can be imported."""
    return cell[1:] if cell.startswith(_ESCAPE) and escaped(cell[1:]) == cell else cell
