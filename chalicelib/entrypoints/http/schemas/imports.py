"""Imports of files."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from chalicelib.domain.imports import FileFormat, ImportKind, ImportState
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import Answer, Page, Query, Strict, refusal

_WITH_TARGET = (ImportKind.SEGMENT, ImportKind.LIST)


class ImportBody(Strict):
    """`target` is the number of the segment or list that is imported into."""

    kind: Annotated[ImportKind, Field(strict=False)]
    format: Annotated[FileFormat, Field(strict=False)]
    target: Annotated[int, Field(ge=1, lt=10**15)] | None = None

    @model_validator(mode="after")
    def _target_where_one_is_needed(self) -> ImportBody:
        if (self.kind in _WITH_TARGET) != (self.target is not None):
            raise refusal(
                PARAMETER, "target: belongs to the kinds segment and list, and is required there"
            )
        return self


class TemplateAsked(Query):
    kind: ImportKind


class Import(Answer):
    """`errors_url` leads to a csv file of the bad rows for an hour, once the import has ended; `reason` says why all of it failed."""

    id: str
    kind: ImportKind
    format: FileFormat
    target: int | None
    state: ImportState
    created: int
    total: int
    rows: int
    changed: int
    unchanged: int
    failed: int
    percentage: int
    reason: str
    errors_url: str | None


class Upload(Answer):
    """A form of type multipart/form-data: the fields as they are, then the file as the field `file`."""

    url: str
    fields: dict[str, str]
    max_bytes: int


class NewImport(Import):
    upload: Upload


class Imports(Page):
    imports: list[Import]
