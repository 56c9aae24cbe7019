"""Strategies as operators change them. Accepted messages keep their strategy."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.strategies import STRATEGIES, Strategy, StrategyEntry, check
from chalicelib.manage import access_channels, records
from chalicelib.ports import World


def add(world: World, channel_key: str, name: str, strategy: Strategy) -> StrategyEntry:
    """Add a strategy. Its number is `rule_id` when sending."""
    access_channels.get(world, channel_key)
    check(strategy)
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
    check(strategy)
    return records.update(world, STRATEGIES, before, name=name, strategy=strategy)


def delete(world: World, number: int, version: int | None) -> None:
    entry = records.get_at(world, STRATEGIES, number, version)
    records.delete(world, STRATEGIES, entry)
