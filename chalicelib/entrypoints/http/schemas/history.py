"""The history of a user: messages with the user's state in each."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.entrypoints.http.schemas.base import Answer, ListQuery, Page
from chalicelib.entrypoints.http.schemas.messages import Sentence


class HistoryQuery(ListQuery):
    """Parameters of a user's history."""

    channel_key: Annotated[str, Field(max_length=64)] = ""
    days: Annotated[int, Field(ge=1, le=60)] = 7
    limit: Annotated[int, Field(ge=1, le=50)] = 20


class Received(Answer):
    """A message that was for a user, with what became of it."""

    msgid: str
    channel_key: str
    accepted: int
    state: str
    loss: str | None
    why: Sentence | None


class History(Page):
    messages: list[Received]
