"""A session: an open way to a delivery channel's account.

Only delivery functions can open the channel's credentials.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from chalicelib.domain import channel_options
from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.provider_io import Account
from chalicelib.ports import Session, World


def connect(world: World, channel: Channel) -> AbstractContextManager[Session]:
    return world.providers.of(channel.platform).connect(account_of(world, channel))


def account_of(world: World, channel: Channel) -> Account:
    return Account(
        channel.code,
        world.credentials.open_credentials(channel.sealed_credentials),
        channel.options,
        channel.credentials_fingerprint,
        channel_options.rate_of(channel),
    )
