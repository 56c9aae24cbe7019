"""A refusal of the wire, and an entry of the table of errors, which builds one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from chalicelib.domain.errors import OpenUMSError
from chalicelib.entrypoints.http.language import Text
from chalicelib.entrypoints.http.sentences import filled

BUSY_SECONDS = 1  # until a repeat, where a refusal with 503 knows no better


class FieldError(NamedTuple):
    """The reason why a field is refused. `field` is empty where the whole request is meant."""

    field: str
    reason: Text

    @property
    def message(self) -> str:
        """Return `field: Chinese (English)`."""
        return f"{self.field}: {self.reason.both}" if self.field else self.reason.both


class Refused(OpenUMSError):
    """A request that is answered with an error. `code`: UMS's or this project's business code.

    `retry_after`: seconds after which a repeat may help, 0 if none would.
    """

    retry_after = 0

    def __init__(
        self, code: int, english: str, chinese: str = "", *, field: str = "", status: int = 400
    ) -> None:
        self.code, self.status = code, status
        self.errors: Sequence[FieldError] = [FieldError(field, Text(english, chinese))]
        super().__init__(self.message)

    @property
    def field(self) -> str:
        return self.errors[0].field

    @property
    def reason(self) -> Text:
        return self.errors[0].reason

    @property
    def message(self) -> str:
        return self.errors[0].message


class Entry(NamedTuple):
    """Code, status and texts of an error. Braces in the texts are filled from its values."""

    code: int
    status: int
    chinese: str
    english: str

    def refuse(self, field: str = "", **values: object) -> Refused:
        """Build the error, with its texts filled."""
        shown = {name: _shown(name, value) for name, value in values.items()} | {"field": field}
        text = filled(Text(self.english, self.chinese), shown)
        refused = Refused(self.code, *text, field=field, status=self.status)
        if self.status in (429, 503):
            usual = BUSY_SECONDS if self.status == 503 else 0
            refused.retry_after = int(str(values.get("seconds", usual)))
        return refused


_SHOWN: Mapping[str, Callable[[Any], str]] = {
    "why": lambda why: f": {why}" if why else "",
    "code": lambda code: f" (it says {code})" if code else "",
}


def _shown(name: str, value: object) -> object:
    return _SHOWN[name](value) if name in _SHOWN else value
