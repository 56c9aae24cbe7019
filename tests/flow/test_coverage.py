"""Coverage counts each user once, whatever worker ends and whatever job comes again."""

from __future__ import annotations

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import NotFound
from chalicelib.domain.jobs import CoverageJob
from chalicelib.domain.users import User
from chalicelib.flow import coverage
from chalicelib.reports.coverage import shown
from tests.builders import SHOP, a_channel, a_user, an_access_channel
from tests.fakes.steps import Killed
from tests.fakes.world import FakeWorld, limits_of

PEOPLE = [
    a_user("ann", push=("r1", "r2"), text="1"),
    a_user("bob", text="2", mail="b@example.com"),
    a_user("cem", text="3"),
    a_user("dan"),
]
COUNTED = {"users": 4, "types": {"app": 1, "sms": 3, "email": 1}}


def a_world(*, restricted: bool = False) -> FakeWorld:
    world = FakeWorld(limits_of(counted_page=1, counted_users=2))
    shop = an_access_channel(channels=("push", "text", "mail"), restricted=restricted)
    world.settings.put_access_channel(shop)
    for code in ("push", "text", "mail"):
        world.settings.put_channel(a_channel(code))
    world.users.has(*PEOPLE)
    return world


@pytest.fixture
def world() -> FakeWorld:
    return a_world()


def run(world: FakeWorld, *, twice: bool = False) -> None:
    while (envelope := world.queues.take()) is not None:
        assert isinstance(envelope.job, CoverageJob)
        for _ in range(2 if twice else 1):
            try:
                coverage.count(world.ports, envelope.job)
            except Killed:
                world.spare()
                world.queues.back(envelope, 60)
                world.clock.advance(60)
                break


def counted(world: FakeWorld, key: str) -> dict[str, object]:
    report = shown(world.ports, key)
    assert report["state"] == "done"
    types = {row["channel_type"]: row["users"] for row in report["channel_types"]}
    return {"users": report["users"], "types": types}


@pytest.mark.parametrize("key", ["", SHOP])
@pytest.mark.parametrize("twice", [False, True])
def test_users_are_counted_by_channel_type_and_delivery_channel(
    world: FakeWorld, key: str, twice: bool
) -> None:
    assert shown(world.ports, key)["state"] == "none"
    coverage.begin(world.ports, key)
    assert shown(world.ports, key)["state"] == "running"
    run(world, twice=twice)
    assert counted(world, key) == COUNTED
    push = shown(world.ports, key)["delivery_channels"][1]
    assert push == {
        "delivery_channel": "push",
        "channel_type": "app",
        "users": 1,
        "share": 0.25,
    }


def test_contacts_under_labels_and_of_an_access_channel_alone_count(world: FakeWorld) -> None:
    labels = {ChannelType.SMS: {"text": {"of-work": "4"}}}
    own = {ChannelType.EMAIL: {SHOP: ("eva@example.com",)}}
    world.users.has(User("eva", labels=labels, contacts=own))
    for key in ("", SHOP):
        coverage.begin(world.ports, key)
        run(world)
        types = counted(world, key)["types"]
        assert types == {"app": 1, "sms": 4, "email": 2}, key


def test_a_count_ends_right_wherever_its_worker_is_ended(world: FakeWorld) -> None:
    coverage.begin(world.ports, "")
    begun = len(world.log)
    run(world)
    steps = len(world.log) - begun
    for step in range(steps):
        again = a_world()
        coverage.begin(again.ports, "")
        again.kill_at(len(again.log) + step)
        run(again)
        assert counted(again, "") == COUNTED, step


def test_a_second_count_shows_the_first_one_until_it_has_ended(world: FakeWorld) -> None:
    coverage.begin(world.ports, "")
    run(world)
    world.users.has(a_user("eva", text="9"))
    coverage.begin(world.ports, "")
    coverage.begin(world.ports, "")  # goes on
    assert (shown(world.ports, "")["state"], shown(world.ports, "")["users"]) == ("running", 4)
    run(world)
    assert counted(world, "")["users"] == 5


def test_a_count_that_is_stuck_is_begun_anew(world: FakeWorld) -> None:
    coverage.begin(world.ports, "")
    world.queues.waiting.clear()
    world.clock.advance(3601)
    coverage.begin(world.ports, "")
    run(world)
    assert counted(world, "") == COUNTED


def test_there_is_no_coverage_of_an_access_channel_that_is_not_there(world: FakeWorld) -> None:
    with pytest.raises(NotFound):
        coverage.begin(world.ports, "nobody")
    with pytest.raises(NotFound):
        shown(world.ports, "nobody")


def test_a_restricted_access_channel_has_the_contacts_of_its_own_users_alone() -> None:
    """The shared number of somebody whom it may not reach is not covered."""
    world = a_world(restricted=True)
    coverage.begin(world.ports, SHOP)
    run(world)
    assert counted(world, SHOP) == {"users": 4, "types": {"app": 1, "sms": 1}}
