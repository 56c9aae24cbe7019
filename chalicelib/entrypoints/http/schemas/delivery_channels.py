"""Delivery channels, and the use of their quotas."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from chalicelib.domain.delivery_channels import ChannelType, OnUncertain, ReceiptMode
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    Code,
    Name,
    Page,
    Patch,
    Strict,
    Versioned,
)
from chalicelib.entrypoints.http.schemas.contact_labels import Label
from chalicelib.manage.delivery_channels import ChannelOrder

_SECRETS = Field(repr=False)
Uncertain = Annotated[OnUncertain, Field(strict=False)]
Receipts = Annotated[ReceiptMode, Field(strict=False)]
PerSecond = Annotated[int, Field(ge=0, le=100_000)]
PerDay = Annotated[int, Field(ge=0, le=10**12)]
Price = Annotated[float, Field(ge=0, le=10**6)]


class ChannelBody(Strict):
    name: Name
    code: Code
    type: Annotated[ChannelType, Field(strict=False)]
    platform: Annotated[str, Field(min_length=1, max_length=32)]
    credentials: Annotated[dict[str, Any], _SECRETS]
    options: dict[str, Any] = {}
    on_uncertain: Uncertain = OnUncertain.UNKNOWN
    receipts: Receipts | None = None
    calls_per_second: PerSecond | None = None
    deliveries_per_day: PerDay | None = None
    price: Price | None = None

    def order(self) -> ChannelOrder:
        return ChannelOrder(**{name: getattr(self, name) for name in ChannelBody.model_fields})


class ChannelChange(Patch):
    """A partial update: omitted fields keep their value.

    `options` need `credentials` beside them, because both are checked together.
    """

    nullable = frozenset({"calls_per_second", "deliveries_per_day", "price"})

    name: Name | None = None
    credentials: Annotated[dict[str, Any] | None, _SECRETS] = None
    options: dict[str, Any] | None = None
    on_uncertain: Uncertain | None = None
    receipts: Receipts | None = None
    calls_per_second: PerSecond | None = None
    deliveries_per_day: PerDay | None = None
    price: Price | None = None


class Channel(Versioned):
    id: int
    code: str
    name: str
    type: ChannelType
    platform: str
    options: dict[str, Any]
    on_uncertain: OnUncertain
    receipts: ReceiptMode
    calls_per_second: int | None
    deliveries_per_day: int | None
    price: float | None
    labels: list[Label]


class Usage(Answer):
    """The use of a daily quota. The day follows the platform's clock."""

    date: str
    ends: int
    reserved: int
    limit: int


class ChannelNow(Channel):
    """A delivery channel with the use of its quota. `today` is null without a daily quota."""

    today: Usage | None


class NewChannel(Channel):
    """A delivery channel with its webhook address, which is shown only once.

    `webhook_url` is null if the platform does not have webhooks.
    """

    webhook_url: str | None


class Channels(Page):
    channels: list[Channel]
