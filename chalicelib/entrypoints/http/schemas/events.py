"""Events of users, as members record and read them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from chalicelib.domain.traces import Event
from chalicelib.entrypoints.http.schemas.base import Answer, Strict, UserId
from chalicelib.entrypoints.http.schemas.operation_growth import (
    EventId,
    Moment,
    Name,
    Properties,
)

MAX_EVENTS = 100  # of a request


class EventBody(Strict):
    """An event. Without a time it happened now. With an id it counts once."""

    name: Name
    time: Moment | None = None
    id: EventId = ""
    properties: Properties = {}

    def event(self, now: int) -> Event:
        return Event(self.name, now if self.time is None else self.time, self.id, self.properties)


class EventOfUser(EventBody):
    userid: UserId


class EventsBody(Strict):
    events: Annotated[list[EventOfUser], Field(min_length=1, max_length=MAX_EVENTS)]


class RefusedUser(Answer):
    userid: str
    reason: str


class EventsRecorded(Answer):
    """The number of events of users who took them, and the users who did not."""

    recorded: int
    refused: list[RefusedUser]


class KeptEvent(Answer):
    time: int
    properties: dict[str, Any]


class KeptEvents(Answer):
    """The last events of a name, newest first."""

    name: str
    events: list[KeptEvent]
