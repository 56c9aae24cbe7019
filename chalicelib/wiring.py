"""Which concrete class stands behind each port. Built when it is first needed, once per container."""

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
    """For tests: another world, or None for the real one again."""
    global _world
    _world = other


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
    """A chunk is looked at when a worker that claimed its call must long be dead, and the clock has ticked twice."""
    own = settings()
    return Limits(
        lease=own.lease,
        submit_within=own.submit_within,
        check_after=max(3 * own.lease, 2 * own.clock_width),
        recount_delays=own.recount_delays,
        history_days=own.history_days,
        public_url=own.public_url,
        channel_types=own.channel_types,
        workers=own.workers,
        requests_per_second=own.request_rate,
        utc_offset=own.utc_offset,
        clock_width=own.clock_width,
    )


def queue_reader(queue: str) -> QueueReader:
    """The receiving side of a queue that chalicelib/config.py names."""
    from chalicelib.aws.queue_reader import QueueReader as SqsQueueReader

    return SqsQueueReader(queue)


def _build() -> World:
    from chalicelib.aws.audiences import Audiences
    from chalicelib.aws.clock import Clock as SystemClock
    from chalicelib.aws.counters import Counters
    from chalicelib.aws.files import Files
    from chalicelib.aws.imports import Imports
    from chalicelib.aws.ledger import Ledger
    from chalicelib.aws.lookups import Lookups
    from chalicelib.aws.messages import Messages
    from chalicelib.aws.queues import Queues
    from chalicelib.aws.rates import RateLimiter
    from chalicelib.aws.records import Audit, Groups, Members
    from chalicelib.aws.settings import Administration, Cache
    from chalicelib.aws.timers import Timers
    from chalicelib.aws.tokens import Tokens as StoredTokens
    from chalicelib.aws.users import Users
    from chalicelib.aws.vault import Credentials, Vault

    clock, vault, cache = SystemClock(), Vault(), Cache()
    timers, tokens = Timers(clock), StoredTokens(vault, clock)
    return World(
        clock=clock,
        settings=Administration(cache),
        users=Users(vault),
        audiences=Audiences(vault),
        messages=Messages(vault, timers),
        ledger=Ledger(vault),
        lookups=Lookups(vault),
        tokens=tokens,
        files=Files(),
        counters=Counters(),
        timers=timers,
        queues=Queues(),
        vault=vault,
        credentials=Credentials(),
        providers=Providers(tokens, clock),
        imports=Imports(),
        groups=Groups(cache),
        members=Members(cache),
        audit=Audit(),
        pace=RateLimiter(clock),
        limits=limits(),
    )
