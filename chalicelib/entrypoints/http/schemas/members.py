"""Members of the management API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.domain.members import Role
from chalicelib.entrypoints.http.schemas.base import Name, Page, Patch, Strict, Versioned


class MemberBody(Strict):
    name: Name
    role: Annotated[Role, Field(strict=False)]


class MemberChange(Patch):
    """A partial update: omitted fields keep their value."""

    name: Name | None = None
    role: Annotated[Role, Field(strict=False)] | None = None
    enabled: bool | None = None


class Member(Versioned):
    access_key: str
    name: str
    role: Role
    enabled: bool


class NewMember(Member):
    """A member with its access secret, which is shown only once."""

    access_secret: str


class Members(Page):
    members: list[Member]
