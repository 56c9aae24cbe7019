"""Topics of an access channel."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.entrypoints.http.schemas.base import (
    Name,
    Page,
    Patch,
    Strict,
    Versioned,
    matching,
)

Description = Annotated[str, Field(max_length=200)]
Purpose = Annotated[
    str,
    matching(
        r"(?:[a-z0-9][a-z0-9_.-]{0,29})?",
        "1 to 30 small letters, digits or _.-, or nothing",
        "1 到 30 个小写字母、数字或 _.-，或为空",
        30,
    ),
]


class TopicBody(Strict):
    channel_key: str
    name: Name
    description: Description = ""
    opt_in: bool = False
    purpose: Purpose = ""


class TopicChange(Patch):
    """A partial update: omitted fields keep their value."""

    name: Name | None = None
    description: Description | None = None
    opt_in: bool | None = None
    purpose: Purpose | None = None


class Topic(Versioned):
    topic: int
    channel_key: str
    name: str
    description: str
    opt_in: bool
    purpose: str


class Topics(Page):
    topics: list[Topic]
