"""Delivery channels as operators write and read them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from chalicelib.domain.channels import ChannelType, OnUncertain, ReceiptMode
from chalicelib.entrypoints.shapes.base import Answer, Code, Name, Strict
from chalicelib.flow import configure


class ChannelBody(Strict):
    name: Name
    code: Code
    type: Annotated[ChannelType, Field(strict=False)]
    platform: Annotated[str, Field(min_length=1, max_length=32)]
    credentials: Annotated[dict[str, Any], Field(repr=False)]
    options: dict[str, Any] = {}
    on_uncertain: Annotated[OnUncertain, Field(strict=False)] = OnUncertain.UNKNOWN
    receipts: Annotated[ReceiptMode, Field(strict=False)] | None = None

    def order(self) -> configure.ChannelOrder:
        return configure.ChannelOrder(**{name: getattr(self, name) for name in ChannelBody.model_fields})


class Channel(Answer):
    id: int
    code: str
    name: str
    type: ChannelType
    platform: str
    options: dict[str, Any]
    on_uncertain: OnUncertain
    receipts: ReceiptMode


class NewChannel(Channel):
    """`webhook_url` is shown this once; null where the platform has no webhooks."""

    webhook_url: str | None


class Channels(Answer):
    channels: list[Channel]
