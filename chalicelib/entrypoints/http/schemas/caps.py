"""Frequency caps of an access channel."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.rules import caps
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import Answer, Strict, Versioned, refusal

Type = Annotated[ChannelType, Field(strict=False)]
Urgency = Annotated[int, Field(ge=Priority.HIGH.value, le=Priority.LOW.value)]


class CapBody(Strict):
    """A cap: at most `most` messages to a person within `hours` or `days`."""

    most: Annotated[int, Field(ge=1, le=caps.MAX_MESSAGES)]
    hours: Annotated[int, Field(ge=1, le=caps.MAX_HOURS)] | None = None
    days: Annotated[int, Field(ge=1, le=caps.MAX_HOURS // 24)] | None = None
    channel: Type | None = None
    topic: Annotated[int, Field(ge=1)] | None = None
    exempt: Annotated[list[Urgency], Field(max_length=3)] = [Priority.HIGH.value]

    @model_validator(mode="after")
    def _one_window(self) -> CapBody:
        if (self.hours is None) == (self.days is None):
            raise refusal(PARAMETER, "must have either hours or days", "须有 hours 或 days 之一")
        return self

    def cap(self) -> caps.Cap:
        hours = self.hours or 24 * (self.days or 0)
        kind = self.channel.value if self.channel else caps.ANY
        return caps.Cap(self.most, hours, kind, self.topic or 0, tuple(sorted({*self.exempt})))


class CapsBody(Strict):
    caps: Annotated[list[CapBody], Field(min_length=1, max_length=caps.MAX_CAPS)]


class Cap(Answer):
    most: int
    hours: int
    channel: ChannelType | None
    topic: int | None
    exempt: list[int]


class Caps(Versioned):
    """The frequency caps of an access channel, whose version this is."""

    channel_key: str
    caps: list[Cap]
