"""What delivery channels can be of."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
from chalicelib.domain.provider_io import ClickReport, DeliveryReport, ProviderIds
from chalicelib.entrypoints.http.schemas.base import Answer


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
    authorisation: Annotated[
        bool,
        Field(
            description="Whether an account lets us in by a page with a QR code, instead of its own secret."
        ),
    ]
    calls_per_second: float | None
    deliveries_per_minute: int | None
    deliveries_per_day: int | None
    credentials: list[Setting]
    options: list[Setting]


class Platforms(Answer):
    platforms: list[Platform]
