"""Access channels, and the delivery channels that they may send on."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.entrypoints.http.schemas.base import Answer, Name, Page, Patch, Strict, Versioned
from chalicelib.manage.access_channels import LONGEST_GRACE

Rate = Annotated[
    int, Field(ge=1, le=100_000, description="Requests a second; null: as the deployment has it.")
]


class AccessChannelBody(Strict):
    name: Name
    restricted: bool = False
    rate: Rate | None = None


class AccessChannelChange(Patch):
    """What is left out stays."""

    nullable = frozenset({"rate"})

    name: Name | None = None
    enabled: bool | None = None
    restricted: Annotated[
        bool | None, Field(description="To users that have a binding of its own.")
    ] = None
    rate: Rate | None = None


class Rotation(Strict):
    grace: Annotated[
        int,
        Field(
            ge=0,
            le=LONGEST_GRACE,
            description="Seconds that older secrets still work; 0 ends them.",
        ),
    ] = 86400


class Authorisation(Strict):
    enabled: bool


class Granted(Answer):
    """A delivery channel that an access channel is authorised for, and whether it is switched on."""

    code: str
    enabled: bool


class Authorised(Granted):
    channel_key: str


class AccessChannel(Versioned):
    channel_key: str
    name: str
    enabled: bool
    restricted: bool
    rate: int | None
    channels: list[Granted]


class NewAccessChannel(AccessChannel):
    """`master_secret` is shown this once."""

    master_secret: str


class Rotated(NewAccessChannel):
    """Older secrets work until `old_until` (ms)."""

    old_until: int


class AccessChannels(Page):
    access_channels: list[AccessChannel]
