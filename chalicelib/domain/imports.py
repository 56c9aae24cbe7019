"""Imports of files: their kinds, their progress, and cells that spreadsheets must not run."""

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
    FAILED = "failed"  # the file as a whole: nothing or not all of it was read


@dataclass(frozen=True)
class Import:
    """An import and its progress.

    A worker goes on after `rows`. `version` guards against two workers at once. A version of 0 is
    not stored yet.
    """

    id: str
    kind: ImportKind
    format: FileFormat
    created: int  # ms
    expires: int  # epoch seconds
    target: int = 0  # number of the segment or list
    state: ImportState = ImportState.WAITING
    etag: str = ""  # of the file that was started: a file that replaces it is not read
    total: int = 0  # rows of the file, once they were counted
    rows: int = 0  # that were processed
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
    """A row of the file that changed nothing.

    `row` is its number in a spreadsheet. The header is in row 1 if nothing stands above it.
    """

    row: int
    field: str
    reason: str


def escaped(cell: str) -> str:
    """Put an apostrophe before a cell that a spreadsheet would take for a formula."""
    is_formula = cell.lstrip(" ").startswith(_FORMULA) or cell.startswith(_FORMULA)
    return _ESCAPE + cell if is_formula else cell


def unescaped(cell: str) -> str:
    """Undo `escaped`, so that an export can be imported."""
    return cell[1:] if cell.startswith(_ESCAPE) and escaped(cell[1:]) == cell else cell
