from __future__ import annotations

import pytest

from chalicelib.domain.errors import Stale
from chalicelib.manage import access_channels, changes
from chalicelib.ports import World
from tests.fakes.world import FakeWorld


@pytest.fixture
def world() -> World:
    return FakeWorld().ports


def test_ten_older_secrets_work_beside_the_newest(world: World) -> None:
    channel, first = changes.add_access_channel(world, "shop")
    secrets = [first]
    for grace in range(100, 112):
        channel, secret, _ = access_channels.rotate(world, channel.key, None, grace)
        secrets.append(secret)
    working = channel.hashes(world.clock.now())
    assert len(working) == access_channels.MAX_OLDER + 1
    assert changes.digest(secrets[-1]) in working


def test_who_began_from_an_old_version_rotates_nothing(world: World) -> None:
    channel, _ = changes.add_access_channel(world, "shop")
    access_channels.rotate(world, channel.key, 1, 60)
    with pytest.raises(Stale):
        access_channels.rotate(world, channel.key, 1, 60)
    found = world.settings.access_channel(channel.key)
    assert found is not None
    assert found.version == 2
