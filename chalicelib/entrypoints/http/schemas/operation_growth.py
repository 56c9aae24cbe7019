"""Operation Growth's bodies and answers, with the names of its pages."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, RootModel

from chalicelib.domain.comparisons import number_of
from chalicelib.domain.limits import MAX_GROWTH_ITEMS
from chalicelib.domain.traces import Event
from chalicelib.entrypoints.http import bodies
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import Answer, Strict, matching, refusal
from chalicelib.manage.operation_growth import LabelledContact

MAX_CHANNELS, MAX_LABELS, MAX_ATTRIBUTES, MAX_LIST, MAX_TEXT = 50, 50, 100, 100, 1024
MAX_PROPERTIES = 4096  # bytes of an event, as JSON


def _text(value: Any) -> Any:
    """Turn a number into a text: a phone number may come as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _value(value: Any) -> Any:
    """Check a value. Booleans come as 0 and 1, times as texts or numbers."""
    items = value if isinstance(value, list) else [] if value is None else [value]
    if len(items) > MAX_LIST or not all(isinstance(item, str | int | float) for item in items):
        raise refusal(
            PARAMETER,
            f"must be a text, a number, or a list of at most {MAX_LIST} of them",
            f"须为字符串、数字，或最多 {MAX_LIST} 个的数组",
        )
    if any(isinstance(item, str) and len(item) > MAX_TEXT for item in items):
        raise refusal(
            PARAMETER, f"must have at most {MAX_TEXT} characters", f"最多 {MAX_TEXT} 个字符"
        )
    return [_shown(item) for item in value] if isinstance(value, list) else _shown(value)


def _shown(item: Any) -> Any:
    """Keep a decimal such as 100.00 as a text, since people may read it in a message.

    Comparisons read texts and numbers alike.
    """
    if not isinstance(item, bodies.Number) or item.literal == repr(float(item)):
        return item
    return item.literal if number_of(item.literal) is not None else item


Number = Annotated[int, Field(gt=0, lt=2**63)]
Moment = Annotated[int, Field(gt=0, lt=10**14)]  # in ms: microseconds are refused
Cuid = Annotated[int, Field(gt=0, lt=2**63)]
Name = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_$一-鿿-]{1,64}",
        "1 to 64 letters, Chinese, digits, _ $ -",
        " 1 到 64 个字母、汉字、数字或 _ $ -",
        192,
    ),
]
Contact = Annotated[
    str, Field(max_length=MAX_TEXT), BeforeValidator(_text, json_schema_input_type=str | int)
]
Shown = bool | int | float | str
Value = Annotated[Any, BeforeValidator(_value, json_schema_input_type=Shown | list[Shown] | None)]
Values = dict[Name, Value]
EventId = Annotated[
    str,
    matching(
        r"[\x21-\x7e]{0,64}", "at most 64 visible characters", "最多 64 个可见 ASCII 字符", 64
    ),
    BeforeValidator(_text, json_schema_input_type=str | int),
]


class ChannelValues(Strict):
    id: Number
    channelValues: Annotated[dict[str, Contact], Field(min_length=1, max_length=MAX_LABELS)]


class UserChannels(Strict):
    cuid: Cuid
    channels: Annotated[list[ChannelValues], Field(min_length=1, max_length=MAX_CHANNELS)]


class Batch(
    RootModel[Annotated[list[UserChannels], Field(min_length=1, max_length=MAX_GROWTH_ITEMS)]]
):
    """A list of 1 to 100 users."""

    def contacts(self) -> list[LabelledContact]:
        return [
            LabelledContact(user.cuid, channel.id, label, contact.strip())
            for user in self.root
            for channel in user.channels
            for label, contact in channel.channelValues.items()
        ]


class Attributes(Strict):
    cuid: Cuid
    data: Annotated[Values, Field(min_length=1, max_length=MAX_ATTRIBUTES)]


def _few_bytes(properties: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(properties, ensure_ascii=False).encode("utf-8", "replace")) > MAX_PROPERTIES:
        raise refusal(
            PARAMETER, f"must have at most {MAX_PROPERTIES} bytes", f"最多 {MAX_PROPERTIES} 字节"
        )
    return properties


Properties = Annotated[Values, Field(max_length=MAX_ATTRIBUTES), AfterValidator(_few_bytes)]


class EventRecord(Strict):
    cuid: Cuid
    eventName: Name
    itime: Moment
    randomId: EventId | None = None
    properties: Properties | None = None


class Events(Strict):
    appKey: str
    data: Annotated[list[EventRecord], Field(min_length=1, max_length=MAX_GROWTH_ITEMS)]

    def happened(self) -> list[tuple[int, Event]]:
        return [
            (
                record.cuid,
                Event(
                    record.eventName, record.itime, record.randomId or "", record.properties or {}
                ),
            )
            for record in self.data
        ]


class ItemProblem(Answer):
    code: int
    msg: str


class GrowthAnswer(Answer):
    """An answer. `code` is 0 for success, and 4000 for several errors, which are in `data`."""

    code: int
    msg: str
    data: list[ItemProblem] | None = None
