"""Delivery channels, and the use of their quotas."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from chalicelib.domain.delivery_channels import ChannelType, OnUncertain, ReceiptMode
from chalicelib.domain.prices import MAX_PREFIXES
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    Code,
    Name,
    Page,
    Patch,
    Strict,
    Versioned,
    refusal,
)
from chalicelib.entrypoints.http.schemas.contact_labels import Label
from chalicelib.manage.delivery_channels import ChannelOrder


def _price(amount: float) -> float:
    if round(amount, 6) != amount:
        raise refusal(PARAMETER, "must have at most 6 decimals", "最多 6 位小数")
    return amount


_SECRETS = Field(repr=False)
Uncertain = Annotated[OnUncertain, Field(strict=False)]
Receipts = Annotated[ReceiptMode, Field(strict=False)]
PerSecond = Annotated[int, Field(ge=0, le=100_000)]
PerDay = Annotated[int, Field(ge=0, le=10**12)]
Price = Annotated[float, Field(ge=0, le=10**6), AfterValidator(_price)]
Prefix = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{0,14}$")]
Prefixes = Annotated[dict[Prefix, Price], Field(max_length=MAX_PREFIXES)]


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
    prefixes: Prefixes = {}

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
    prefixes: Prefixes | None = None


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
    prefixes: dict[str, float]
    priced_since: int | None
    paused: bool
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


class PriceList(Answer):
    """Prices that have ended. They held until the next ones."""

    since: int
    price: float | None
    prefixes: dict[str, float]


class PriceLists(Page):
    prices: list[PriceList]
