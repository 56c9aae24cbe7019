"""Access channels, and the delivery channels that they may send on."""

from __future__ import annotations

from chalicelib.entrypoints.shapes.base import Answer, Name, Strict


class AccessChannelBody(Strict):
    name: Name


class Authorisation(Strict):
    enabled: bool


class Granted(Answer):
    """A delivery channel that an access channel is authorised for, and whether it is switched on."""

    code: str
    enabled: bool


class Authorised(Granted):
    channel_key: str


class AccessChannel(Answer):
    channel_key: str
    name: str
    enabled: bool
    channels: list[Granted]


class NewAccessChannel(AccessChannel):
    """`master_secret` is shown this once."""

    master_secret: str


class AccessChannels(Answer):
    access_channels: list[AccessChannel]
