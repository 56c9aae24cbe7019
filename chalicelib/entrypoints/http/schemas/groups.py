"""Lists and tags, and the members of lists and segments."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    Name,
    Page,
    Strict,
    Tag,
    UserId,
    Versioned,
    refusal,
)

MAX_MEMBERS = 1000  # that one call adds, and removes


class ListBody(Strict):
    channel_key: str
    name: Name
    kind: Literal["black", "white"]


class TagBody(Strict):
    """A tag. `channel_key` may be `all`. The name is the text that users carry."""

    kind: ClassVar[str] = "tag"

    channel_key: str
    name: Tag


class Renaming(Strict):
    name: Name


class TagRenaming(Strict):
    """A new name. Users keep the text that they carry."""

    name: Tag


class Group(Versioned):
    id: int
    channel_key: str
    name: str
    kind: str


class Lists(Page):
    lists: list[Group]


class Tags(Page):
    tags: list[Group]


class Membership(Strict):
    add: Annotated[list[UserId], Field(max_length=MAX_MEMBERS)] = []
    remove: Annotated[list[UserId], Field(max_length=MAX_MEMBERS)] = []

    @model_validator(mode="after")
    def _not_both(self) -> Membership:
        if not self.add and not self.remove:
            raise refusal(PARAMETER, "add or remove: at least one user id", "add 或 remove 缺失")
        if set(self.add) & set(self.remove):
            raise refusal(
                PARAMETER,
                "add and remove: a user id must not be in both",
                "add 与 remove 不能含有相同的 userid",
            )
        return self


class MembersChanged(Answer):
    """The numbers of members in the request, duplicates counted once."""

    added: int
    removed: int


class SetMember(Answer):
    userid: str
