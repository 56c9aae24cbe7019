"""Delivery channels and their contact labels, as operators write and read them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from chalicelib.domain.delivery_channels import ChannelType, OnUncertain, ReceiptMode
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    Code,
    Name,
    Page,
    Patch,
    Strict,
    Versioned,
    check_address,
)
from chalicelib.manage.delivery_channels import ChannelOrder

_SECRETS = Field(
    repr=False, description="As the platform needs them. They are sealed, and never given back."
)
Uncertain = Annotated[OnUncertain, Field(strict=False)]
Receipts = Annotated[ReceiptMode, Field(strict=False)]
PerSecond = Annotated[int, Field(ge=0, le=100_000)]
PerDay = Annotated[int, Field(ge=0, le=10**12)]


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

    def order(self) -> ChannelOrder:
        return ChannelOrder(**{name: getattr(self, name) for name in ChannelBody.model_fields})


class ChannelChange(Patch):
    """What is left out stays. `options` come with `credentials`: both are checked together."""

    nullable = frozenset({"calls_per_second", "deliveries_per_day"})

    name: Name | None = None
    credentials: Annotated[dict[str, Any] | None, _SECRETS] = None
    options: dict[str, Any] | None = None
    on_uncertain: Uncertain | None = None
    receipts: Receipts | None = None
    calls_per_second: PerSecond | None = None
    deliveries_per_day: PerDay | None = None


class LabelBody(Strict):
    name: Name


class DefaultLabel(Strict):
    label: Annotated[str, Field(min_length=1, max_length=32)]


class Return(Strict):
    """Where an authorisation's page leads afterwards."""

    redirect_uri: Annotated[
        str,
        Field(
            max_length=1024, description="An address of http or https without a port of its own."
        ),
        AfterValidator(check_address),
    ]


class Label(Answer):
    label: str
    name: str
    default: bool


class Labels(Versioned):
    labels: list[Label]


class NewLabel(Labels):
    """`label` is the id of the new one; it stays when the label is renamed."""

    label: str


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
    labels: list[Label]


class Usage(Answer):
    """Of a day on the platform's clock."""

    date: str
    ends: int
    reserved: int
    limit: int


class ChannelNow(Channel):
    """`today` is null where there is no limit of a day."""

    today: Usage | None


class NewChannel(Channel):
    """`webhook_url` is shown this once; null where the platform has no webhooks."""

    webhook_url: str | None


class Channels(Page):
    channels: list[Channel]


class Check(Answer):
    """`pending`: ask for it under `check_id` again. `failed`: `code` is the provider's own word, `kind` what it means here."""

    check_id: str
    status: Literal["ok", "failed", "pending"]
    code: str
    kind: Literal["", "misconfigured", "rejected", "unavailable", "throttled", "uncertain"]
    link: Annotated[
        str | None, Field(description="The page of an authorisation, good for half an hour.")
    ]
