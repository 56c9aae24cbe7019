"""Strategies as operators change them. Accepted messages keep their strategy."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain import strategy_advice
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.strategies import STRATEGIES, Strategy, StrategyEntry, check
from chalicelib.domain.strategy_advice import reports_of
from chalicelib.flow import validity
from chalicelib.manage import access_channels, records
from chalicelib.ports import World


def add(world: World, channel_key: str, name: str, strategy: Strategy) -> StrategyEntry:
    """Add a strategy. Its number is `rule_id` when sending."""
    _check(world, access_channels.get(world, channel_key), strategy)
    number = world.records.of(STRATEGIES).next_number()
    return records.add(world, STRATEGIES, StrategyEntry(number, channel_key, name, strategy))


def get(world: World, number: int) -> StrategyEntry:
    return records.get(world, STRATEGIES, number)


def page(world: World, channel_key: str, after: int = 0, limit: int = 0) -> Sequence[StrategyEntry]:
    return records.page(world, STRATEGIES, channel_key, after=after, limit=limit)


def change(
    world: World, number: int, version: int | None, name: str, strategy: Strategy
) -> StrategyEntry:
    before = records.get_at(world, STRATEGIES, number, version)
    _check(world, access_channels.get(world, before.channel_key), strategy)
    return records.update(world, STRATEGIES, before, name=name, strategy=strategy)


def delete(world: World, number: int, version: int | None) -> None:
    entry = records.get_at(world, STRATEGIES, number, version)
    records.delete(world, STRATEGIES, entry)


def _check(world: World, access: AccessChannel, strategy: Strategy) -> None:
    """Raise Invalid for a strategy that cannot work.

    A channel type without an open delivery channel is judged by all of its platforms.
    """
    check(strategy)
    opened = validity.reports(world, access)
    closed = validity.closed(strategy.channels, frozenset(opened))
    by_platform = {
        kind: [
            reports_of(world.providers.of(p).capabilities) for p in world.providers.platforms(kind)
        ]
        for kind in closed
    }
    strategy_advice.check_clicks(strategy, {**opened, **by_platform})
