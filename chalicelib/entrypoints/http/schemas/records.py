"""Headers of lists, segments and tags; members; the log of changes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chalicelib.domain.audit import MONTH
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    ListQuery,
    Name,
    Page,
    Patch,
    Strict,
    Tag,
    Versioned,
)


class ListBody(Strict):
    channel_key: str
    name: Name
    kind: Literal["black", "white"]


class SegmentBody(Strict):
    channel_key: str
    name: Name
    kind: Literal["manual", "file"] = "manual"


class TagBody(Strict):
    """`channel_key` may be `all`. The name is the text that users carry."""

    kind: ClassVar[str] = "tag"

    channel_key: str
    name: Tag


class Renaming(Strict):
    name: Name


class TagRenaming(Strict):
    """Users keep the text that they were given."""

    name: Tag


class Group(Versioned):
    id: int
    channel_key: str
    name: str
    kind: str


class Lists(Page):
    lists: list[Group]


class Segments(Page):
    segments: list[Group]


class Tags(Page):
    tags: list[Group]


class MemberBody(Strict):
    name: Name
    role: Annotated[Role, Field(strict=False)]


class MemberChange(Patch):
    """What is left out stays."""

    name: Name | None = None
    role: Annotated[Role, Field(strict=False)] | None = None
    enabled: bool | None = None


class Member(Versioned):
    access_key: str
    name: str
    role: Role
    enabled: bool


class NewMember(Member):
    """`access_secret` is shown this once."""

    access_secret: str


class Members(Page):
    members: list[Member]


class AuditQuery(ListQuery):
    month: Annotated[
        str,
        Field(pattern=f"^({MONTH.pattern})?$", description="`2026-11` (UTC); left out: this one."),
    ] = ""


class Change(Answer):
    """Who (`access_key`, `member`) changed what (`method`, `route`, `ids`) when (`time`, ms), and what was answered."""

    id: str
    time: int
    access_key: str
    member: str
    method: str
    route: str
    ids: dict[str, str]
    status: int


class Changes(Page):
    changes: list[Change]
