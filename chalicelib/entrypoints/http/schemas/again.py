"""The body and the contents of a message, to look at and to send again."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.schemas.base import Answer


class ContentShown(Answer):
    """The content of an element, as it went to its delivery channel."""

    channel: ChannelType
    code: str
    element: int
    content: dict[str, Any]


class Body(Answer):
    """A message as it was accepted. `message` is null where it is not kept."""

    code: int
    msgid: str
    broadcast: bool
    message: dict[str, Any] | None
    contents: list[ContentShown]
