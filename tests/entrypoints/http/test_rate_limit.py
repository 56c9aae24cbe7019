from __future__ import annotations

import pytest

from chalicelib.entrypoints.http.rate_limit import SHARE, Limiter
from tests.fakes.clock import FakeClock
from tests.fakes.world import FakeWorld

LIMIT = 500


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


def limiter(world: FakeWorld, limit: int = LIMIT) -> Limiter:
    return Limiter(world.counters, world.clock, limit)


def test_a_lone_request_asks_nobody(world: FakeWorld) -> None:
    one = limiter(world)
    for _ in range(5):
        permit = one.admit("shop")
        assert (permit.granted, permit.limit, permit.remaining) == (True, LIMIT, LIMIT - 1)
        world.clock.advance(1)
    assert "counters.take" not in world.log


def test_a_burst_asks_once_per_share(world: FakeWorld) -> None:
    one = limiter(world)
    assert all(one.admit("shop").granted for _ in range(1 + 3 * SHARE))
    assert world.log.count("counters.take") == 3


@pytest.mark.parametrize("limit", [1, 2, 3, 49, 50, 99, 500])
def test_one_container_serves_exactly_the_limit(world: FakeWorld, limit: int) -> None:
    one = limiter(world, limit)
    assert sum(one.admit("shop").granted for _ in range(limit + 50)) == limit
    world.clock.advance(1)
    assert one.admit("shop").granted


def test_many_containers_exceed_it_by_one_each_at_most(world: FakeWorld) -> None:
    containers = [limiter(world, 100) for _ in range(20)]
    granted = sum(each.admit("shop").granted for _ in range(50) for each in containers)
    assert 100 - 20 * SHARE <= granted <= 100 + len(containers)


def test_who_is_refused_asks_no_more_in_that_second(world: FakeWorld) -> None:
    one = limiter(world, 3)
    permits = [one.admit("shop") for _ in range(50)]
    assert [p.granted for p in permits[:5]] == [True, True, True, False, False]
    assert permits[-1].remaining == 0
    assert world.log.count("counters.take") <= 3


def test_access_channels_have_limits_of_their_own(world: FakeWorld) -> None:
    one = limiter(world, 2)
    assert [one.admit(name).granted for name in ("a", "a", "a", "b", "b", "b")] == [
        True,
        True,
        False,
        True,
        True,
        False,
    ]


def test_the_headers_have_both_spellings() -> None:
    world = FakeWorld()
    world.clock = FakeClock()
    assert limiter(world).admit("shop").headers == {
        "X-Rate-Limit-Limit": "500",
        "X-Rate-Limit-Quota": "500",
        "X-Rate-Limit-Remaining": "499",
        "X-Rate-Limit-Reset": "1",
    }
