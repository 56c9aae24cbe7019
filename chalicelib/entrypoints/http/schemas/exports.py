"""Exports of a message's targets, and of statistics, as files."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from chalicelib.domain.imports import FileFormat
from chalicelib.entrypoints.http.schemas.base import Answer, Strict
from chalicelib.entrypoints.http.schemas.statistics import FIRST_DAY, LAST_DAY

Format = Annotated[FileFormat, Field(strict=False)]
Date = Annotated[dt.date, Field(strict=False, ge=FIRST_DAY, le=LAST_DAY)]


class TargetsExport(Strict):
    """The targets of a message, all of them or those that were lost for a reason."""

    msgid: Annotated[str, Field(min_length=16, max_length=16)]
    contacts: Literal["masked", "whole"] = "masked"
    reason: Annotated[str, Field(max_length=100)] = ""
    format: Format = FileFormat.CSV


class StatisticsExport(Strict):
    """Figures as `GET /admin/v1/statistics` answers them."""

    channel_key: Annotated[str, Field(max_length=64)] = ""
    since: Date | None = None
    until: Date | None = None
    zone: Annotated[str, Field(max_length=64)] = ""
    by: Literal["hour", "day"] = "day"
    of: Literal["total", "channel_type", "delivery_channel", "platform", "template"] = "total"
    format: Format = FileFormat.CSV


class ExportedFile(Answer):
    """A file of an export, with an address from which it downloads for an hour."""

    name: str
    url: str


class FileExport(Answer):
    """An export and its progress. Files that are written can be downloaded already."""

    id: str
    kind: Literal["targets", "statistics"]
    format: FileFormat
    state: Literal["running", "done"]
    created: int
    rows: int
    files: list[ExportedFile]
