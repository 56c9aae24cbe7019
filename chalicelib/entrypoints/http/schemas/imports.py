"""Imports of users, tags and members from files."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from chalicelib.domain.imports import FileFormat, ImportKind, ImportState
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import Answer, Page, Query, Strict, refusal

_WITH_TARGET = (ImportKind.SEGMENT, ImportKind.LIST)


class ImportBody(Strict):
    """A new import. `target` is the id of the segment or list that gets the members."""

    kind: Annotated[ImportKind, Field(strict=False)]
    format: Annotated[FileFormat, Field(strict=False)]
    target: Annotated[int, Field(ge=1, lt=10**15)] | None = None

    @model_validator(mode="after")
    def _target_of_members(self) -> ImportBody:
        if (self.kind in _WITH_TARGET) != (self.target is not None):
            raise refusal(
                PARAMETER,
                "target: is required for the kinds segment and list, and only for them",
                "target：仅 segment 与 list 类型需要",
            )
        return self


class TemplateQuery(Query):
    kind: ImportKind


class Import(Answer):
    """An import and its progress."""

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
    """A form of type multipart/form-data: these fields, then the file as the field `file`."""

    url: str
    fields: dict[str, str]
    max_bytes: int


class NewImport(Import):
    upload: Upload


class Imports(Page):
    imports: list[Import]
