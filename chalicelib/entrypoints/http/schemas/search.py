"""Search by a text."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.entrypoints.http.schemas.base import Answer, Strict

Text = Annotated[str, Field(min_length=1, max_length=256)]


class SearchBody(Strict):
    """A text to search for, and the access channel whose names count."""

    text: Text
    channel_key: Annotated[str, Field(max_length=64)] = ""


class OwnSearch(Strict):
    text: Text


class MessageHit(Answer):
    msgid: str
    channel_key: str
    name: str
    accepted: int


class NamedHit(Answer):
    kind: Literal["template", "strategy", "segment", "blacklist", "whitelist", "access_channel"]
    id: str
    name: str
    channel_key: str


class Found(Answer):
    """Things that a text may mean, up to ten of each kind."""

    code: int
    messages: list[MessageHit]
    users: list[str]
    contacts: list[str]
    named: list[NamedHit]
