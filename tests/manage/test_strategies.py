from __future__ import annotations

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid, NotFound
from chalicelib.domain.strategies import Missing, Step, Strategy, StrategyEntry, Term
from chalicelib.manage import access_channels, strategies
from chalicelib.ports import World
from tests.fakes.world import FakeWorld

APP, SMS = ChannelType.APP, ChannelType.SMS


@pytest.fixture
def world() -> World:
    return FakeWorld().ports


def test_strategies_belong_to_an_access_channel_and_follow_the_rules(world: World) -> None:
    key = access_channels.add(world, "shop")[0].key
    good = Strategy((Step((APP,)), Step((SMS,), (Term(APP, Missing.DELIVERED, 60),))))
    assert strategies.add(world, key, "s", good).number == 1
    assert list(strategies.page(world, key)) == [StrategyEntry(1, key, "s", good)]
    with pytest.raises(NotFound):
        strategies.add(world, "nobody", "s", good)
    with pytest.raises(Invalid):
        strategies.add(world, key, "s", Strategy(()))
