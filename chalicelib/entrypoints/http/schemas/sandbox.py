"""The inbox of the provider sandbox."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.schemas.base import Answer, ListQuery, Page, Strict

MOST = 50  # messages of a page, whose texts are whole


class SandboxQuery(ListQuery):
    """Parameters of the sandbox's inbox."""

    limit: Annotated[int, Field(ge=1, le=MOST)] = 20
    type: ChannelType | None = None
    userid: Annotated[str, Field(max_length=64)] = ""


class SandboxSearch(Strict):
    """The contact whose messages are searched for, on a channel type."""

    type: Annotated[ChannelType, Field(strict=False)]
    contact: Annotated[str, Field(min_length=1, max_length=256, repr=False)]


class TemplateRow(Answer):
    """A value of a template that the provider keeps."""

    name: str
    value: str


class SimulatedMessage(Answer):
    """A message that the sandbox took, as the person would see it."""

    number: int
    type: ChannelType
    provider: str
    contact: str
    time: int
    provider_id: str
    msgid: str | None
    target: str | None
    title: str
    text: str
    html: str
    sender: str
    template: str
    rows: list[TemplateRow]
    link: str
    files: list[str]


class RealChannel(Answer):
    """A delivery channel that leads elsewhere than to the sandbox."""

    code: str
    name: str


class SandboxState(Answer):
    """The sandbox that the deployment is attached to."""

    attached: bool
    url: str
    real_channels: list[RealChannel]


class SandboxInbox(Page):
    messages: list[SimulatedMessage]


class SandboxFound(Answer):
    """The newest messages to a contact. `more`: there are older ones."""

    messages: list[SimulatedMessage]
    more: bool
