"""The history of a user: messages with the user's state in each."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import Answer, ListQuery, Page, Query, refusal
from chalicelib.entrypoints.http.schemas.messages import Sentence

STATES = 20  # that one request reads


class HistoryQuery(ListQuery):
    """Parameters of a user's history."""

    channel_key: Annotated[str, Field(max_length=64)] = ""
    days: Annotated[int, Field(ge=1, le=60)] = 7
    limit: Annotated[int, Field(ge=1, le=50)] = 20
    states: bool = True


def _msgids(text: str) -> str:
    msgids = text.split(",")
    if len(msgids) > STATES or not all(re.fullmatch("[0-9a-v]{16}", each) for each in msgids):
        raise refusal(
            PARAMETER,
            f"1 to {STATES} message ids with commas between them",
            f"须为 1 到 {STATES} 个消息 ID, 用逗号隔开",
        )
    return text


class StatesQuery(Query):
    """Messages in which the state of a user is asked for."""

    msgids: Annotated[str, AfterValidator(_msgids)]


class Received(Answer):
    """A message that was for a user, with what became of it."""

    msgid: str
    channel_key: str
    name: str
    accepted: int
    state: str | None
    loss: str | None
    why: Sentence | None


class StateIn(Answer):
    """The state of a user in a message."""

    msgid: str
    name: str
    state: str
    loss: str | None
    why: Sentence | None


class States(Answer):
    """States by message. A message that was not for the user has none."""

    states: list[StateIn]


class History(Page):
    messages: list[Received]
