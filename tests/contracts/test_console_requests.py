"""Requests to AWS of the console's pages: bounded, however many users and messages there are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.domain.members import Role
from chalicelib.ports import World
from infra.console.build import build
from tests.builders import a_user
from tests.console.conftest import Browser, a_member
from tests.contracts.conftest import a_message, real_container
from tests.contracts.messages import create, put_in_lists

SERVICES = ("dynamodb", "kms", "s3", "sqs")
BOUND = 20  # requests of a page
# Of pages that walk: the 256 buckets of users while there are few of them, and the reports of
# the 20 newest messages to a person. The page of tags asks for each of its 50 tags.
SEARCHES = 600
# Sizes of a small and of a larger deployment: users, messages.
SMALL, LARGE = (5, 5), (500, 300)

PAGES = (
    *("/", "/messages", "/messages?days=7", "/messages/scheduled", "/messages/results"),
    *("/messages/lookup", "/templates", "/templates/new", "/strategies", "/strategies/new"),
    *("/users/u1", "/users/u1/preferences", "/segments", "/lists/black"),
    *("/suppressions", "/imports", "/send", "/stats/messages", "/stats/requests"),
    *(
        "/stats/clicks",
        "/stats/costs",
        "/stats/costs?by=month",
        "/stats/providers",
        "/review",
        "/review/settings",
        "/rules",
        "/rules/words",
    ),
    *("/rules/topics", "/rules/callbacks"),
)
WALKS = ("/users", "/users/u1/messages", "/tags")


@contextmanager
def counted(aws: Callable[[str], Any]) -> Iterator[Counter[str]]:
    """Count the requests within a block, by operation."""
    counts: Counter[str] = Counter()

    def count(model: Any, **more: Any) -> None:
        counts[model.name] += 1

    clients = [aws(service) for service in SERVICES]
    for client in clients:
        client.meta.events.register("before-call", count)
    yield counts
    for client in clients:
        client.meta.events.unregister("before-call", count)


@pytest.fixture(scope="module", autouse=True)
def assets() -> None:
    build()


def a_shop(world: World) -> Browser:
    """Return a browser of an administrator, with an access channel."""
    a_member(world, Role.ADMINISTRATOR)
    browser = Browser(world)
    browser.sign_in()
    page = browser.post("/access/new", {"name": "shop"})
    found = re.search(r"/console/access/(\w{10,})", page.text)
    assert found is not None
    browser.key = found[1]
    return browser


def fill(world: World, key: str, begin: tuple[int, int], end: tuple[int, int]) -> None:
    """Add users and messages up to a size."""
    numbers = range(begin[0], end[0])
    users = [a_user(f"u{n}", text=f"138{n:08d}", tags=["vip"]) for n in numbers]
    for place in range(0, len(users), 25):
        assert not world.users.save(users[place : place + 25], {})
    messages = [a_message("u1", channel_key=key) for _ in range(begin[1], end[1])]
    for message in messages:
        create(world, message)
    for place in range(0, len(messages), 50):
        put_in_lists(world, *messages[place : place + 50])


def requests(browser: Browser, aws: Callable[[str], Any]) -> Mapping[str, int]:
    """Return the number of requests of each page."""
    found = {}
    for path in (*PAGES, *WALKS):
        with counted(aws) as counts:
            page = browser.get(f"/c/{browser.key}{path}")
        assert page.status == 200, (path, page.plain)
        found[path] = counts.total()
    return found


def test_the_requests_of_a_page_do_not_grow_with_users_and_messages(
    aws: Callable[[str], Any],
) -> None:
    world = real_container()
    browser = a_shop(world)
    fill(world, browser.key, (0, 0), SMALL)
    small = requests(browser, aws)
    fill(world, browser.key, SMALL, LARGE)
    large = requests(browser, aws)
    grown = {path: (small[path], large[path]) for path in PAGES if large[path] > small[path]}
    assert not grown, (small, large)
    assert {path: number for path, number in large.items() if number > BOUND}.keys() <= {*WALKS}
    assert all(max(small[path], large[path]) <= SEARCHES for path in WALKS)
