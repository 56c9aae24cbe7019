"""A session: an open way to a delivery channel's account.

Only delivery functions can open the channel's credentials.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.provider_io import Account
from chalicelib.ports import Session, World


def connect(world: World, channel: Channel) -> AbstractContextManager[Session]:
    plain = world.credentials.open_credentials(channel.sealed_credentials)
    account = Account(channel.code, plain, channel.options, channel.credentials_fingerprint)
    return world.providers.of(channel.platform).connect(account)
