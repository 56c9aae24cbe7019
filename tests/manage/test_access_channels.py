from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.access_channels import ACCESS_CHANNELS, AccessChannel
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import NotFound, Stale, Taken
from chalicelib.manage import access_channels, delivery_channels
from chalicelib.manage.secrets import digest
from chalicelib.ports import World
from tests.fakes.world import FakeWorld

APP, SMS, EMAIL = ChannelType.APP, ChannelType.SMS, ChannelType.EMAIL


@pytest.fixture
def fake() -> FakeWorld:
    return FakeWorld()


@pytest.fixture
def world(fake: FakeWorld) -> World:
    return fake.ports


def order(**changes: Any) -> delivery_channels.ChannelOrder:
    fields = {
        "code": "c1",
        "name": "n",
        "type": APP,
        "platform": "push",
        "credentials": {"key": "k", "more": "the secret"},
    }
    return delivery_channels.ChannelOrder(**{**fields, **changes})


def test_of_a_secret_only_the_hash_is_kept(fake: FakeWorld, world: World) -> None:
    channel, secret = access_channels.add(world, "shop")
    stored = fake.settings.access_channel(channel.key)
    assert stored == AccessChannel(channel.key, "shop", (digest(secret),))
    assert secret not in repr(fake.records.of(ACCESS_CHANNELS).stored)


def test_secrets_and_keys_differ(world: World) -> None:
    made = [access_channels.add(world, f"n{n}") for n in range(20)]
    assert len({c.key for c, _ in made} | {s for _, s in made}) == 40


def test_a_name_that_is_taken_is_a_conflict(world: World) -> None:
    access_channels.add(world, "shop")
    with pytest.raises(Taken) as refused:
        access_channels.add(world, "shop")
    assert refused.value.field == "name"


def test_only_what_is_there_can_be_authorised(world: World) -> None:
    channel, _ = access_channels.add(world, "shop")
    for key, code in ((channel.key, "c1"), ("nobody", "c1")):
        with pytest.raises(NotFound):
            access_channels.authorise(world, key, code, True)
    delivery_channels.add(world, order())
    access_channels.authorise(world, channel.key, "c1", True)
    assert access_channels.get(world, channel.key).channels == {"c1": True}
    with pytest.raises(NotFound):
        access_channels.authorise(world, "nobody", "c1", None)


def test_ten_older_secrets_work_beside_the_newest(world: World) -> None:
    channel, first = access_channels.add(world, "shop")
    secrets = [first]
    for grace in range(100, 112):
        channel, secret, _ = access_channels.rotate(world, channel.key, None, grace)
        secrets.append(secret)
    working = channel.hashes(world.clock.now())
    assert len(working) == access_channels.MAX_OLDER + 1
    assert digest(secrets[-1]) in working


def test_who_began_from_an_old_version_rotates_nothing(world: World) -> None:
    channel, _ = access_channels.add(world, "shop")
    access_channels.rotate(world, channel.key, 1, 60)
    with pytest.raises(Stale):
        access_channels.rotate(world, channel.key, 1, 60)
    found = world.settings.access_channel(channel.key)
    assert found is not None
    assert found.version == 2
