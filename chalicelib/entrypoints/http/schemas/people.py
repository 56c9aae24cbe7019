"""All that is known of a person, and what the person wants."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.topics import MAX_TOPICS
from chalicelib.entrypoints.http.schemas.base import Answer, Strict
from chalicelib.entrypoints.http.schemas.quiet_hours import Time, TimeZone
from chalicelib.entrypoints.http.schemas.users import User

Type = Annotated[ChannelType, Field(strict=False)]


def _different(choices: list[TopicChoice]) -> list[TopicChoice]:
    """Keep the last choice for each topic."""
    return list({choice.topic: choice for choice in choices}.values())


class TopicChoice(Strict):
    topic: Annotated[int, Field(ge=1)]
    channels: Annotated[list[Type], Field(max_length=len(ChannelType))]


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


class Person(Answer):
    """All that is stored of a person besides messages."""

    user: User
    preferences: dict[str, Any]
    consents: list[PersonConsent]
    memberships: list[MembershipOfPerson]
    counted: list[Counted]


class Erased(Answer):
    """A person who was forgotten, with the numbers of what was known."""

    userid: str
    consents: int
    memberships: int
