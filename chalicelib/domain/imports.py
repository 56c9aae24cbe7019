"""Imports of files: their kinds, their progress, and cells that spreadsheets must not run."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from chalicelib.domain.errors import Invalid
from chalicelib.domain.values import frozen

MAX_ROWS = 50_000  # as UMS's own upload takes
MAX_BYTES = 30 * 1024 * 1024
MAX_COLUMNS = 64
MAX_FAULTS = 10  # of one row that its refusal lists

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_ESCAPE = "'"


class ImportKind(StrEnum):
    USERS = "users"
    TAGS = "tags"
    SEGMENT = "segment"
    LIST = "list"  # a black- or whitelist
    SUPPRESSIONS = "suppressions"  # contacts that nobody sends to


class FileFormat(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


class ImportState(StrEnum):
    WAITING = "waiting"  # for its file, and to be started
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # the file as a whole: nothing or not all of it was read


class Fault(StrEnum):
    """A reason why a file, a column or a cell is refused. The value is its name in logs."""

    # of a file
    EMPTY = "empty"
    GONE = "gone"
    CRASHED = "crashed"
    NOT_A_WORKBOOK = "not_a_workbook"
    UNREADABLE = "unreadable"
    OLD_WORKBOOK = "old_workbook"
    OPEN_DOCUMENT = "open_document"
    BINARY_WORKBOOK = "binary_workbook"
    ENCRYPTED = "encrypted"
    IS_A_WORKBOOK = "is_a_workbook"
    NO_VISIBLE_SHEET = "no_visible_sheet"
    MANY_ROWS = "many_rows"
    MANY_COLUMNS = "many_columns"
    MANY_CHARACTERS = "many_characters"
    MANY_PARTS = "many_parts"
    MANY_BYTES = "many_bytes"
    MANY_TAGS = "many_tags"
    ENCODING = "encoding"
    OPEN_QUOTE = "open_quote"
    LONG_CELL = "long_cell"
    # of a column
    UNKNOWN_COLUMN = "unknown_column"
    DUPLICATE_COLUMN = "duplicate_column"
    MISSING_COLUMN = "missing_column"
    HIDDEN_COLUMN = "hidden_column"
    SCOPE_NOT_NEEDED = "scope_not_needed"
    CODE_NEEDED = "code_needed"
    BESIDE_CONTACTS = "beside_contacts"
    # of a row or a cell
    SURPLUS = "surplus"
    MISSING = "missing"
    HIDDEN_ROW = "hidden_row"
    MERGED = "merged"
    REPEATED = "repeated"
    DATE = "date"
    DECIMALS = "decimals"
    PERCENT = "percent"
    CURRENCY = "currency"
    FRACTION = "fraction"
    SCIENTIFIC = "scientific"
    FORMAT = "format"
    DIGITS = "digits"
    TRUTH = "truth"
    ERROR = "error"
    FORMULA = "formula"
    NUL = "nul"
    REPLACED = "replaced"
    NOT_LISTED = "not_listed"  # of the file of bad rows


class Faulty(Invalid):
    """A file, a column or a cell that cannot be imported. `values` fill the texts of its fault."""

    def __init__(self, field: str, fault: Fault, **values: object) -> None:
        super().__init__(field, " ".join([fault, *(f"{k}={v}" for k, v in values.items())]))
        self.fault, self.values = fault, values


class Translated(Invalid):
    """An error with its reason in both languages. `chinese` is empty where only English exists."""

    def __init__(self, field: str, reason: str, chinese: str) -> None:
        super().__init__(field, reason)
        self.chinese = chinese


class Several(Invalid):
    """All errors of a header or of a row, at least one. The first is the message."""

    def __init__(self, errors: Sequence[Invalid]) -> None:
        super().__init__(errors[0].field, errors[0].reason)
        self.errors = errors


class Doubtful(str):
    """A cell as it is stored, of which it is not certain what people see. `fault` says why."""

    fault: Fault

    def __new__(cls, stored: str, fault: Fault) -> Doubtful:
        cell = super().__new__(cls, stored)
        cell.fault = fault
        return cell


@frozen
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
    language: str = "en"  # of whoever began it, for reasons and advice
    has_report: bool = False

    @property
    def percentage(self) -> int:
        if self.state is ImportState.DONE:
            return 100
        return self.rows * 100 // self.total if self.total else 0


@frozen
class BadRow:
    """An error of a row that changed nothing. A row may have several.

    `row` is its number in a spreadsheet. The header is in row 1 if nothing stands above it.
    `reason` is a text with advice, in the language of the import.
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
