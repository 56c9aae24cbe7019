"""Users and their tags, as the management API shows them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    LongListQuery,
    Page,
    Strict,
    check_userid,
)


class UsersQuery(LongListQuery):
    """All users, or those whose id begins with `prefix`."""

    prefix: Annotated[str, AfterValidator(check_userid)] | None = None


class UserSearch(Strict):
    """The contact of the users that are searched for, on a channel type."""

    type: Annotated[ChannelType, Field(strict=False)]
    contact: Annotated[str, Field(min_length=1, max_length=256, repr=False)]


class Labelled(Answer):
    channel: str
    label: str
    name: str
    contact: str


class Gone(Answer):
    """A contact that a provider reported as dead. Naming the contact again revives it."""

    type: ChannelType
    contact: str
    code: str
    time: int


class Refusal(Answer):
    """An opt-out of a contact. `scope` is `all` or a channel key."""

    type: ChannelType
    contact: str
    scope: str
    code: str
    time: int


class Happened(Answer):
    count: int
    last: int


class User(Answer):
    """A user with everything that is stored. Times are milliseconds since the epoch."""

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


class UsersFound(Answer):
    """The users with a contact, in the order of their ids. `more`: there are further ones."""

    users: list[User]
    more: bool


class UserTagsQuery(LongListQuery):
    scope: Annotated[str, Field(min_length=1, max_length=64)] = "all"
    renew: bool = True


class UserTag(Answer):
    """A tag of a scope. `estimate`: about how many users have the tag."""

    scope: str
    tag: str
    estimate: int | None
    counted: int | None


class UserTags(Page):
    tags: list[UserTag]


class UserIdsPage(Page):
    userids: list[str]
