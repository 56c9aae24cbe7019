"""Drafts of messages."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from chalicelib.entrypoints.http.schemas.base import Answer, Query, Strict, Versioned

DraftName = Annotated[str, Field(max_length=64)]


class DraftBody(Strict):
    """A draft: a body of a send that may lack anything."""

    channel_key: Annotated[str, Field(min_length=1)]
    name: DraftName = ""
    broadcast: bool = False
    message: dict[str, Any]


class DraftChange(Strict):
    """The whole draft anew."""

    name: DraftName = ""
    broadcast: bool = False
    message: dict[str, Any]


class DraftsQuery(Query):
    channel_key: Annotated[str, Field(min_length=1)]


class DraftListed(Versioned):
    id: str
    channel_key: str
    name: str
    broadcast: bool
    changed: int


class Draft(DraftListed):
    message: dict[str, Any]


class Drafts(Answer):
    drafts: list[DraftListed]
