"""Users and their tags, as the management API shows them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    LongListQuery,
    Page,
    check_userid,
    refusal,
)


class UsersQuery(LongListQuery):
    """All users, those whose id begins with `prefix`, or those with a contact on a channel type."""

    prefix: Annotated[str, AfterValidator(check_userid)] | None = None
    contact: Annotated[str | None, Field(min_length=1, max_length=256, repr=False)] = None
    type: ChannelType | None = None

    @model_validator(mode="after")
    def _one_way(self) -> UsersQuery:
        if (self.contact is None) != (self.type is None):
            raise refusal(
                PARAMETER, "contact and type belong together", "contact 与 type 须同时存在"
            )
        if self.contact is not None and self.prefix is not None:
            raise refusal(
                PARAMETER, "prefix and contact exclude each other", "prefix 与 contact 不能同时存在"
            )
        return self


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


class UserTagsQuery(LongListQuery):
    scope: Annotated[str, Field(min_length=1, max_length=64)] = "all"


class UserTag(Answer):
    """A tag of a scope. `estimate`: about how many users have the tag."""

    scope: str
    tag: str
    estimate: int


class UserTags(Page):
    tags: list[UserTag]


class UserIdsPage(Page):
    userids: list[str]
