"""Members of the management API."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.domain.members import Role
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    Name,
    Page,
    Patch,
    Strict,
    Versioned,
)
from chalicelib.entrypoints.http.schemas.quiet_hours import TimeZone

MAX_ROLES = 100  # of a member, on access channels
Key = Annotated[str, Field(min_length=1, max_length=64)]
Roles = Annotated[dict[Key, Annotated[Role, Field(strict=False)]], Field(max_length=MAX_ROLES)]


class MemberBody(Strict):
    name: Name
    role: Annotated[Role, Field(strict=False)]
    roles: Roles = {}


class MemberChange(Patch):
    """A partial update: omitted fields keep their value."""

    name: Name | None = None
    role: Annotated[Role, Field(strict=False)] | None = None
    roles: Roles | None = None
    enabled: bool | None = None


class Member(Versioned):
    access_key: str
    name: str
    role: Role
    roles: dict[str, Role]
    enabled: bool


class PreferencesOfMember(Strict):
    """Preferences of a member. null: none."""

    language: Literal["zh", "en"] | None = None
    theme: Literal["light", "dark"] | None = None
    time_zone: TimeZone | None = None


class MemberPreferences(Answer):
    language: str | None
    theme: str | None
    time_zone: str | None


class Me(Answer):
    """A member, as the member sees it."""

    access_key: str
    name: str
    role: Role
    roles: dict[str, Role]
    enabled: bool

    preferences: MemberPreferences


class NewMember(Member):
    """A member with its access secret, which is shown only once."""

    access_secret: str


class Members(Page):
    members: list[Member]
