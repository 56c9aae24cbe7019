"""Statistics: figures over a stretch of time, losses, clicks and providers."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.schemas.base import Answer, LongListQuery, Page, Query, Strict

FIRST_DAY, LAST_DAY = dt.date(2000, 1, 1), dt.date(2199, 12, 31)
Day = Annotated[dt.date, Field(strict=False, ge=FIRST_DAY, le=LAST_DAY)]
Zone = Annotated[str, Field(max_length=64)]


class StretchQuery(Query):
    """Parameters of figures: whole days of a zone, of an access channel or the deployment."""

    channel_key: Annotated[str, Field(max_length=64)] = ""
    since: Day | None = None
    until: Day | None = None
    zone: Zone = ""


class SeriesQuery(StretchQuery):
    by: Literal["hour", "day", "month", "total"] = "day"
    of: Literal["total", "channel_type", "delivery_channel", "platform", "template"] = "total"


class Rates(Answer):
    planned: int
    valid: int
    submitted: int
    delivered: int
    clicked: int
    delivery_rate: float | None
    click_rate: float | None


class Totals(Answer):
    """Requests, people and deliveries of an hour, a day or a whole stretch."""

    time: str
    requests: int
    users: Rates
    deliveries: Rates
    cost: float
    opted_out: int


class PartRates(Rates):
    """Figures of one delivery channel, channel type, platform or template."""

    time: str
    part: str
    opened: int
    scanned: int
    complained: int
    cost: float
    opted_out: int | None


class Series(Answer):
    currency: str
    figures: list[Totals]
    parts: list[PartRates]


class Lost(Answer):
    """A reason of losses, in a sentence, with advice."""

    reason: str
    zh: str
    en: str
    advice_zh: str
    advice_en: str
    count: int
    share: float | None


class LossReasons(Answer):
    """Losses of people before sending, and of deliveries by the stage that they did not reach."""

    users: list[Lost]
    valid: list[Lost]
    submitted: list[Lost]
    delivered: list[Lost]


class Reported(Answer):
    """An hour of today: what was sent in it, and what was reported in it."""

    time: str
    requests: int
    planned: int
    valid: int
    submitted: int
    users_delivered: int
    users_clicked: int
    deliveries_delivered: int
    deliveries_clicked: int


class Overview(Answer):
    """Today until now."""

    trend: list[Reported]
    total: Totals
    losses: LossReasons


class Clicks(Answer):
    """Clicks by weekday, Monday first, and by hour of the day."""

    clicks: list[list[int]]


class Seconds(Answer):
    p50: float | None
    p90: float | None
    p99: float | None


class Provider(Rates):
    """Rates of a delivery channel's provider."""

    delivery_channel: str
    channel_type: ChannelType
    platform: str
    acceptance_rate: float | None
    receipt_seconds: Seconds
    open_rate: float | None
    opened: int
    scanned: int
    complained: int
    cost: float


class Providers(Answer):
    providers: list[Provider]


class CoverageQuery(Query):
    channel_key: Annotated[str, Field(max_length=64)] = ""


class CoverageBody(Strict):
    """Users to count: those of an access channel, or all."""

    channel_key: Annotated[str, Field(max_length=64)] = ""


class CoveredType(Answer):
    """Users with a contact on a channel type."""

    channel_type: ChannelType
    users: int
    share: float | None


class CoveredChannel(CoveredType):
    """Users with a contact on a delivery channel."""

    delivery_channel: str


class Coverage(Answer):
    """Coverage as it was counted last."""

    state: Literal["none", "running", "done"]
    counted: int | None
    users: int
    channel_types: list[CoveredType]
    delivery_channels: list[CoveredChannel]


class ChannelDaysQuery(LongListQuery):
    """Parameters of the days of all access channels."""

    since: Day | None = None
    until: Day | None = None


class ChannelDays(Answer):
    """Days of an access channel. Each row has the figures that `names` names, in that order."""

    channel_key: str
    name: str
    days: dict[str, list[int]]


class AllChannelDays(Page):
    names: list[str]
    access_channels: list[ChannelDays]
