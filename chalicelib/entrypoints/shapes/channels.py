"""Delivery channels as operators write and read them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from chalicelib.domain.channels import ChannelType, OnUncertain, ReceiptMode
from chalicelib.domain.sending import ClickReport, DeliveryReport, ProviderIds
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


class Setting(Answer):
    name: str
    required: bool


class Platform(Answer):
    """`available`: whether this stage runs what it needs. `token_life`: seconds for which a call is recognised; null: it is not."""

    platform: str
    type: ChannelType
    available: bool
    delivery_report: DeliveryReport
    click_report: ClickReport
    receipts: list[ReceiptMode]
    call_size: int
    content_per_recipient: bool
    provider_ids: ProviderIds
    token_life: int | None
    recall: bool
    credentials: list[Setting]
    options: list[Setting]


class Platforms(Answer):
    platforms: list[Platform]
