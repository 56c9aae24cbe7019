"""The concrete class behind each port, built once per container when it is first needed.

A container is a running copy of a Lambda function, or of a worker.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from chalicelib.config import settings
from chalicelib.domain.callbacks import Record
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.sentences import Sentence
from chalicelib.ports import (
    Clock,
    Limits,
    Provider,
    QueueReader,
    Receivers,
    Reply,
    Sandbox,
    Tokens,
    World,
)

if TYPE_CHECKING:
    from chalicelib.aws.own_role import OwnRole
    from chalicelib.domain.sandbox import Simulated

CALLBACK_SECONDS = 5.0  # for which a receiver of callbacks may take to answer

_world: World | None = None


def world() -> World:
    global _world
    if _world is None:
        _world = _build()
    return _world


def use(other: World | None) -> None:
    """Replace the world in tests. None: use the real world again."""
    global _world
    _world = other


def is_busy(error: Exception) -> bool:
    """Tell if the services behind the ports are busy, so that a repeat may succeed."""
    from chalicelib.aws import clients

    return clients.is_busy(error)


def hurried(*, for_provider: bool = False) -> AbstractContextManager[None]:
    """Bound the repeats of requests to busy services, because a caller or a provider waits."""
    from chalicelib.aws import retries

    return retries.hurried(for_provider=for_provider)


class Providers:
    def __init__(self, tokens: Tokens, clock: Clock) -> None:
        from chalicelib.providers.tokens import AccessTokens

        self._tokens = AccessTokens(tokens, lambda: clock.now() / 1000)
        self._role = _own_role()

    def of(self, platform: str) -> Provider:
        from chalicelib.domain.errors import Invalid
        from chalicelib.providers import registry
        from chalicelib.web.egress import Policy

        try:
            return registry.load(
                platform,
                Policy(settings().egress_allow),
                settings().provider_timeout,
                self._tokens,
                self._role,
            )
        except Invalid as error:
            raise KeyError(platform) from error

    def platforms(self, channel_type: ChannelType) -> Sequence[str]:
        from chalicelib.providers import registry

        return registry.platforms_of(channel_type)


def _own_role() -> OwnRole | None:
    """Return the function's own role, None where the deployment lets it send nothing."""
    if not settings().mails_by_role:
        return None
    from chalicelib.aws.own_role import OwnRole

    return OwnRole()


class LazyReceivers:
    """The receivers of callbacks, whose module is loaded with the first use."""

    def __init__(self) -> None:
        self._receivers: Receivers | None = None

    def refusal(self, url: str) -> Sentence | None:
        return self._loaded().refusal(url)

    def body(self, records: Sequence[Record]) -> bytes:
        return self._loaded().body(records)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        return self._loaded().post(url, headers, body)

    def get(self, url: str, headers: Mapping[str, str], params: Mapping[str, str]) -> Reply:
        return self._loaded().get(url, headers, params)

    def _loaded(self) -> Receivers:
        if self._receivers is None:
            from chalicelib.web.egress import Policy
            from chalicelib.web.receivers import Receivers as HttpReceivers

            timeout = min(CALLBACK_SECONDS, settings().provider_timeout)
            self._receivers = HttpReceivers(Policy(settings().egress_allow), timeout)
        return self._receivers


class LazySandbox:
    """The provider sandbox, whose module is loaded with the first use."""

    def __init__(self) -> None:
        self.url = settings().sandbox_url
        self._sandbox: Sandbox | None = None

    def newest(
        self, types: Collection[ChannelType], contacts: Collection[str], before: int, limit: int
    ) -> Sequence[Simulated]:
        if self._sandbox is None:
            from chalicelib.web.egress import Policy
            from chalicelib.web.sandbox import Sandbox as HttpSandbox

            self._sandbox = HttpSandbox(self.url, Policy(settings().egress_allow))
        return self._sandbox.newest(types, contacts, before, limit)


def limits() -> Limits:
    """Read the limits of the stage.

    A chunk is checked once a worker that claimed its call must be dead. By then, the clock has
    ticked twice.
    """
    stage = settings()
    return Limits(
        lease=stage.lease,
        submit_within=stage.submit_within,
        check_after=max(3 * stage.lease, 2 * stage.clock_width),
        recount_delays=stage.recount_delays,
        history_days=stage.history_days,
        public_url=stage.public_url,
        receipts_url=stage.receipts_url,
        channel_types=stage.channel_types,
        workers=stage.workers,
        requests_per_second=stage.request_rate,
        utc_offset=stage.utc_offset,
        currency=stage.currency,
        clock_width=stage.clock_width,
        provider_timeout=stage.provider_timeout,
        concurrency=stage.concurrency,
    )


def queue_reader(queue: str) -> QueueReader:
    """Return the receiving side of a queue that chalicelib/config.py names."""
    from chalicelib.aws.queue_reader import QueueReader as SqsQueueReader

    return SqsQueueReader(queue)


def _build() -> World:
    from chalicelib.aws.world import build_world

    try:
        outside = {"receivers": LazyReceivers(), "sandbox": LazySandbox()}
        return build_world(Providers, outside, limits())
    finally:
        gc.freeze()  # what a container keeps for good is not looked at again
        gc.enable()
