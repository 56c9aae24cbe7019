"""Strategies as operators make them. Messages that were accepted keep the strategy that they were accepted with."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.errors import NotFound
from chalicelib.domain.strategies import Strategy, StrategyEntry, check
from chalicelib.manage import changes
from chalicelib.ports import World


def add(world: World, channel_key: str, name: str, strategy: Strategy) -> StrategyEntry:
    """Its number is `rule_id` when sending."""
    changes.access_channel(world, channel_key)
    check(strategy)
    number = world.settings.next_number("strategy")
    world.settings.put_strategy(number, channel_key, name, strategy)
    return StrategyEntry(number, channel_key, name, strategy)


def get(world: World, number: int) -> StrategyEntry:
    found = world.settings.strategy_entry(number)
    if found is None:
        raise NotFound("strategy")
    return found


def change(
    world: World, number: int, version: int | None, name: str, strategy: Strategy
) -> StrategyEntry:
    before = changes.at_version(get(world, number), version)
    check(strategy)
    after = replace(before, name=name, strategy=strategy, version=before.version + 1)
    world.settings.update_strategy(after)
    return after


def delete(world: World, number: int, version: int | None) -> None:
    before = changes.at_version(get(world, number), version)
    world.settings.delete_strategy(replace(before, version=before.version + 1))
