"""Members of the management API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.domain.members import Role
from chalicelib.entrypoints.http.schemas.base import Name, Page, Patch, Strict, Versioned

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


class NewMember(Member):
    """A member with its access secret, which is shown only once."""

    access_secret: str


class Members(Page):
    members: list[Member]
