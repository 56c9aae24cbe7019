"""The targets of a message: their list, and their contacts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.schemas.base import Answer, LongListQuery, Page
from chalicelib.entrypoints.http.schemas.messages import Sentence


class TargetsQuery(LongListQuery):
    reason: Annotated[str, Field(max_length=200)] = ""
    state: Annotated[str, Field(max_length=32)] = ""


class TargetRow(Answer):
    """A delivery of a target, or a target without any. The fields of a delivery are null there."""

    target: str
    state: str
    reason: str | None
    why: Sentence | None
    step: int | None
    channel: ChannelType | None
    code: str | None
    masked: str | None
    time: int | None


class Targets(Page):
    targets: list[TargetRow]


class ChannelContacts(Answer):
    channel: ChannelType
    code: str
    element: int
    contacts: list[str]


class TargetContacts(Answer):
    """The contacts of a target, whole."""

    msgid: str
    target: str
    contacts: list[ChannelContacts]
