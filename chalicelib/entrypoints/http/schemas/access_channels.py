"""Access channels, and their authorisations for delivery channels."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.entrypoints.http.schemas.base import Answer, Name, Page, Patch, Strict, Versioned
from chalicelib.manage.access_channels import LONGEST_GRACE

Rate = Annotated[int, Field(ge=1, le=100_000)]


class AccessChannelBody(Strict):
    name: Name
    restricted: bool = False
    changes_all: bool | None = None
    rate: Rate | None = None


class AccessChannelChange(Patch):
    """A partial update: omitted fields keep their value."""

    nullable = frozenset({"changes_all", "rate"})

    name: Name | None = None
    enabled: bool | None = None
    restricted: bool | None = None
    changes_all: bool | None = None
    rate: Rate | None = None


class Rotation(Strict):
    grace: Annotated[int, Field(ge=0, le=LONGEST_GRACE)] = 86400


class Authorisation(Strict):
    enabled: bool


class Granted(Answer):
    """An authorisation of an access channel for a delivery channel."""

    code: str
    enabled: bool


class Authorised(Granted):
    channel_key: str


class AccessChannel(Versioned):
    channel_key: str
    name: str
    enabled: bool
    restricted: bool
    changes_all: bool | None
    rate: int | None
    channels: list[Granted]


class NewAccessChannel(AccessChannel):
    """An access channel with its master secret, which is shown only once."""

    master_secret: str


class Rotated(NewAccessChannel):
    """An access channel with its new secret. Older secrets work until `old_until` (ms)."""

    old_until: int


class AccessChannels(Page):
    access_channels: list[AccessChannel]
