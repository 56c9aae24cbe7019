"""A session: an open way to a delivery channel's account.

Only delivery functions can open the channel's credentials.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from chalicelib.domain import channel_options
from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.errors import Rejected
from chalicelib.domain.provider_io import Account, Answer, OutgoingCall
from chalicelib.observability import measure
from chalicelib.ports import Session, World


@contextmanager
def connect(world: World, channel: Channel) -> Iterator[Session]:
    with world.providers.of(channel.platform).connect(account_of(world, channel)) as session:
        yield cast(Session, _Measured(session, channel.code))


class _Measured:
    """A session whose calls are measured: how long they take, and how many fail."""

    def __init__(self, session: Session, channel: str) -> None:
        self._session, self._channel = session, channel

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def send(self, call: OutgoingCall) -> Answer:
        begun, failed = time.monotonic(), 1
        try:
            answer = self._session.send(call)
            failed = 0
        except Rejected:
            failed = 0
            raise
        finally:
            taken = (time.monotonic() - begun) * 1000
            measure("provider_ms", taken, channel=self._channel)
            measure("provider_errors", failed, channel=self._channel)
        return answer


def account_of(world: World, channel: Channel) -> Account:
    return Account(
        channel.code,
        world.credentials.open_credentials(channel.sealed_credentials),
        channel.options,
        channel.credentials_fingerprint,
        channel_options.rate_of(channel),
    )
