"""Platforms of delivery channels: their abilities, and the fields of their settings."""

from __future__ import annotations

from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
from chalicelib.domain.provider_io import ClickReport, DeliveryReport, ProviderIds
from chalicelib.entrypoints.http.schemas.base import Answer


class Setting(Answer):
    name: str
    required: bool


class Platform(Answer):
    """A platform: its abilities, limits, and the fields of its credentials and options."""

    platform: str
    type: ChannelType
    available: bool
    delivery_report: DeliveryReport
    click_report: ClickReport
    receipts: list[ReceiptMode]
    receipt_delay: int
    call_size: int
    content_per_recipient: bool
    provider_ids: ProviderIds
    token_life: int | None
    recall: bool
    authorisation: bool
    templates: bool
    calls_per_second: float | None
    deliveries_per_minute: int | None
    deliveries_per_day: int | None
    credentials: list[Setting]
    options: list[Setting]


class Platforms(Answer):
    platforms: list[Platform]
