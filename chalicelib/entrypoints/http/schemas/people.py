"""Users, tags and members as administrators see and change them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    ListQuery,
    Page,
    Strict,
    UserId,
    refusal,
)

MAX_MEMBERS = 1000  # that one call adds, and removes


class Paged(ListQuery):
    """Where one of the list may be large, or is looked for one by one."""

    limit: Annotated[int, Field(ge=1, le=100, description="How many at most.")] = 50


class UsersAsked(Paged):
    """All users, those whose id begins with a prefix, or those who have a contact on a channel type."""

    prefix: UserId | None = None
    contact: Annotated[str | None, Field(min_length=1, max_length=256, repr=False)] = None
    type: ChannelType | None = None

    @model_validator(mode="after")
    def _one_way(self) -> UsersAsked:
        if (self.contact is None) != (self.type is None):
            raise refusal(PARAMETER, "contact and type belong together")
        if self.contact is not None and self.prefix is not None:
            raise refusal(PARAMETER, "prefix and contact exclude each other")
        return self


class Labelled(Answer):
    channel: str
    label: str
    name: str
    contact: str


class Gone(Answer):
    """A contact that a provider reported as dead; a contact that is named again lives."""

    type: ChannelType
    contact: str
    code: str
    time: int


class Refusal(Answer):
    """`scope` is all or a channel key."""

    type: ChannelType
    contact: str
    scope: str
    code: str
    time: int


class Happened(Answer):
    count: int
    last: int


class User(Answer):
    """Times are milliseconds since the epoch."""

    userid: str
    contacts: dict[ChannelType, dict[str, list[str]]]
    labels: dict[ChannelType, list[Labelled]]
    tags: dict[str, list[str]]
    gone: list[Gone]
    refusals: list[Refusal]
    attributes: dict[str, Any]
    events: dict[str, Happened]


class Users(Page):
    users: list[User]


class TagsAsked(Paged):
    scope: Annotated[str, Field(min_length=1, max_length=64)] = "all"


class UserTag(Answer):
    """`estimate`: about how many users have it."""

    scope: str
    tag: str
    estimate: int


class UserTags(Page):
    tags: list[UserTag]


class UserIdsPage(Page):
    userids: list[str]


class Membership(Strict):
    add: Annotated[list[UserId], Field(max_length=MAX_MEMBERS)] = []
    remove: Annotated[list[UserId], Field(max_length=MAX_MEMBERS)] = []

    @model_validator(mode="after")
    def _each_once(self) -> Membership:
        if not self.add and not self.remove:
            raise refusal(PARAMETER, "add or remove: at least one user id")
        if set(self.add) & set(self.remove):
            raise refusal(PARAMETER, "add and remove: no user id may stand in both")
        return self


class MembersChanged(Answer):
    """How many were asked for, each counted once."""

    added: int
    removed: int


class SetMember(Answer):
    userid: str
