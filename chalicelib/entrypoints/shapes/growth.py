"""Operation Growth's bodies, as its pages have them. Read by hand in http_growth.py, whose refusals are its own; described here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, RootModel

from chalicelib.entrypoints.shapes.base import Answer, Strict

Cuid = Annotated[int, Field(gt=0, lt=2**63, description="The userid as a number")]
Value = str | int | float | list[str | int | float] | None


class ChannelValues(Strict):
    id: Annotated[int, Field(gt=0, description="The number of a delivery channel")]
    channelValues: Annotated[
        dict[str, str], Field(min_length=1, max_length=50, description="Contact label -> contact; an empty one takes it away")
    ]


class UserChannels(Strict):
    cuid: Cuid
    channels: Annotated[list[ChannelValues], Field(min_length=1, max_length=50)]


class Batch(RootModel[Annotated[list[UserChannels], Field(min_length=1, max_length=100)]]):
    """1 to 100 users."""


class Attributes(Strict):
    cuid: Cuid
    data: Annotated[dict[str, Value], Field(min_length=1, max_length=100, description="null takes an attribute away")]


class EventRecord(Strict):
    cuid: Cuid
    eventName: str
    itime: Annotated[int, Field(description="Milliseconds since the epoch")]
    randomId: str = ""
    properties: dict[str, Value] = {}


class Events(Strict):
    appKey: Annotated[str, Field(description="The channel key of the credentials")]
    data: Annotated[list[EventRecord], Field(min_length=1, max_length=100)]


class ItemProblem(Answer):
    code: int
    msg: str


class GrowthAnswer(Answer):
    """0: ok; anything else: an error. 4000: several errors, in `data`."""

    code: int
    msg: str
    data: list[ItemProblem] | None = None
