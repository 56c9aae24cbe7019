"""Limits of requests a second."""

from __future__ import annotations

from dataclasses import replace

from chalicelib import wiring
from tests.entrypoints.conftest import OPERATOR, OTHER, Api
from tests.entrypoints.http.ums.sends import ordinary


def test_every_answer_to_a_caller_says_what_is_left(configured: Api) -> None:
    for reply in (
        configured.send(ordinary(), path="/v1/sent"),
        configured.send({}, path="/v1/sent"),
        configured.users([]),
        configured.users([], auth=OPERATOR),
        configured.admin("GET", "channels"),
    ):
        names = {name.lower() for name in reply.headers}
        assert {
            f"x-rate-limit-{name}" for name in ("limit", "quota", "remaining", "reset")
        } <= names


def test_a_member_searches_users_five_times_a_second(configured: Api) -> None:
    """A search reads 256 partitions of the table of users."""
    searches = ["users?prefix=a", "users?prefix=b", "user-tags", "users", "users", "user-tags"]
    statuses = [configured.admin("GET", path).status for path in searches]
    assert statuses == [200] * 5 + [429]
    assert configured.admin("GET", "users/nobody").status == 404
    configured.fake.clock.advance(1)
    assert configured.admin("GET", "users?prefix=a").status == 200


def test_who_asks_too_often_is_told_when_to_come_back(configured: Api) -> None:
    limits = replace(configured.world.limits, requests_per_second=3)
    configured.world = replace(
        configured.world, limits=limits, counters=type(configured.fake.counters)(configured.fake)
    )
    wiring.use(configured.world)
    codes = [configured.send(ordinary(), path="/v1/sent").code for _ in range(5)]
    assert codes == [0, 0, 0, 1015030, 1015030]
    refused = configured.send(ordinary(), path="/v1/sent")
    assert (
        refused.status,
        refused.headers["Retry-After"],
        refused.headers["X-Rate-Limit-Remaining"],
    ) == (429, "1", "0")
    assert configured.send(ordinary(), path="/v1/sent", auth=OTHER).status == 400
    configured.fake.clock.advance(1)
    assert configured.send(ordinary(), path="/v1/sent").code == 0
