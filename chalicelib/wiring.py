"""The concrete class behind each port, built once per container when it is first needed."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.config import settings
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.ports import Clock, Limits, Provider, QueueReader, Tokens, World

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


class Providers:
    def __init__(self, tokens: Tokens, clock: Clock) -> None:
        from chalicelib.providers.tokens import AccessTokens

        self._tokens = AccessTokens(tokens, lambda: clock.now() / 1000)

    def of(self, platform: str) -> Provider:
        from chalicelib.domain.errors import Invalid
        from chalicelib.providers import registry
        from chalicelib.web.egress import Policy

        try:
            return registry.load(
                platform, Policy(settings().egress_allow), settings().provider_timeout, self._tokens
            )
        except Invalid as error:
            raise KeyError(platform) from error

    def platforms(self, channel_type: ChannelType) -> Sequence[str]:
        from chalicelib.providers import registry

        return registry.platforms_of(channel_type)


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

    return build_world(Providers, limits())
