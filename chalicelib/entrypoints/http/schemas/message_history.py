"""Messages as administrators list them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.schemas.base import Answer, Page
from chalicelib.entrypoints.http.schemas.messages import Version
from chalicelib.entrypoints.http.schemas.people import Paged


class MessagesAsked(Paged):
    channel_key: Annotated[str, Field(min_length=1)]
    since: Annotated[int, Field(ge=0, lt=10**14, description="Accepted then (ms) or later.")] = 0
    until: Annotated[int | None, Field(ge=0, lt=10**14, description="Accepted before (ms).")] = None


class Listed(Answer):
    """`targets` is null where they are not named, but walked: tags, segments, everyone."""

    msgid: str
    accepted: int
    audience: AudienceKind
    targets: int | None
    priority: int
    template: Version | None
    rule_id: int
    channels: list[ChannelType]
    sendno: str


class Messages(Page):
    messages: list[Listed]
