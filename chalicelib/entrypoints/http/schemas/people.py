"""All that is known of a person, and what the person wants."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.topics import MAX_TOPICS
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import Answer, Strict, refusal
from chalicelib.entrypoints.http.schemas.events import KeptEvents
from chalicelib.entrypoints.http.schemas.quiet_hours import Time, TimeZone
from chalicelib.entrypoints.http.schemas.users import User

Type = Annotated[ChannelType, Field(strict=False)]


def _different(choices: list[TopicChoice]) -> list[TopicChoice]:
    """Keep the last choice for each topic."""
    return list({choice.topic: choice for choice in choices}.values())


class TopicChoice(Strict):
    topic: Annotated[int, Field(ge=1)]
    channels: Annotated[list[Type], Field(max_length=len(ChannelType))]
    first: Type | None = None

    @model_validator(mode="after")
    def _of_channels(self) -> TopicChoice:
        if self.first is not None and self.first not in self.channels:
            raise refusal(PARAMETER, "first: must be one of channels", "first：须为 channels 之一")
        return self


class QuietTime(Strict):
    begin: Time
    end: Time
    time_zone: TimeZone


class PreferencesBody(Strict):
    """Choices for topics. A topic that is left out keeps its choice."""

    topics: Annotated[
        list[TopicChoice], Field(max_length=MAX_TOPICS), AfterValidator(_different)
    ] = []
    quiet: QuietTime | None = None


class PersonConsent(Answer):
    type: ChannelType
    contact: str
    channel_key: str
    purpose: str
    given: bool
    time: int
    source: str
    text_version: str


class PersonConsents(Answer):
    consents: list[PersonConsent]


class TopicWanted(Answer):
    """A topic, and the channel types on which a user wants it."""

    topic: int
    name: str
    channels: list[ChannelType]
    first: ChannelType | None


class QuietTimeShown(Answer):
    begin: str
    end: str
    time_zone: str


class PreferencesShown(Answer):
    """Choices of a user. `kinds`: channel types on which the user has a contact."""

    kinds: list[ChannelType]
    topics: list[TopicWanted]
    quiet: QuietTimeShown | None


class MembershipOfPerson(Answer):
    family: str
    id: int
    name: str


class Counted(Answer):
    channel_key: str
    msgid: str
    time: int


class ReachOfPerson(Answer):
    """The furthest stage of a message on a channel type."""

    channel_key: str
    msgid: str
    time: int
    channel: ChannelType
    stage: Literal["submitted", "delivered", "clicked"]


class InteractionOfPerson(Answer):
    """An interaction with messages of a template or topic. `day`: its begin (UTC), in ms."""

    channel_key: str
    kind: Literal["sent", "delivered", "clicked", "opened"]
    day: int
    template: int
    topic: int


class Person(Answer):
    """All that is stored of a person besides messages.

    `left_out`: names of events for which there was no room. They are listed one by one.
    """

    user: User
    preferences: dict[str, Any]
    consents: list[PersonConsent]
    memberships: list[MembershipOfPerson]
    counted: list[Counted]
    reached: list[ReachOfPerson]
    kept_events: list[KeptEvents]
    left_out: list[str]
    interactions: list[InteractionOfPerson]


class Erased(Answer):
    """A person who was forgotten, with the numbers of what was known."""

    userid: str
    consents: int
    memberships: int
