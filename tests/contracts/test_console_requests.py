"""Requests to AWS of the console's pages: as documented, however many users and messages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.aws.message_history import _months
from chalicelib.domain.members import Role
from chalicelib.domain.messages import Entry
from chalicelib.ports import World
from chalicelib.reports.messages import LONGEST
from infra.console.build import build
from tests.builders import a_user
from tests.console.conftest import Browser, a_member
from tests.contracts.conftest import a_message, real_container
from tests.contracts.generated import Generated
from tests.contracts.messages import create, put_in_lists

SERVICES = ("dynamodb", "kms", "s3", "sqs")
BOUND = 10  # requests of a page
# Pages that put several lists together. Their requests do not grow either.
WIDE = {"/": 21, "/messages": 11, "/users/u1/messages?all=1": 11, "/rules/callbacks": 12}
# Pages whose list looks into each month of the history while it is not full, and the most months.
LISTING, MONTHS = ("/", "/messages"), 4
SMALL = (5, 5)  # users and messages of a small deployment
DAYS = 7  # for which messages are kept after their strategy's end
MILLION, MESSAGES = 1_000_000, 10_000  # of a large one
TABLE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "console-requests.md"

PAGES = (
    *("/", "/messages", "/messages?days=7", "/messages/scheduled", "/messages/results"),
    *("/messages/lookup", "/templates", "/templates/new", "/strategies", "/strategies/new"),
    *("/users", "/users?prefix=u", "/users?prefix=nobody", "/users/u1", "/users/u1/preferences"),
    *("/users/u1/messages", "/users/u1/messages?all=1", "/users/u1/messages/states?msgids={four}"),
    *("/users/nobody/messages", "/segments", "/tags", "/tags/used", "/lists/black"),
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
PARTS = ("/users/u1/messages/states", "/tags/used")  # that htmx asks for


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


def fill(world: World, key: str) -> list[str]:
    """Add a few users and messages. Return the ids of the messages, newest first."""
    users = [a_user(f"u{n}", text=f"138{n:08d}", tags=["vip"]) for n in range(SMALL[0])]
    assert not world.users.save(users, {})
    messages = [a_message("u1", channel_key=key) for _ in range(SMALL[1])]
    for message in messages:
        create(world, message, with_plan=True)
    put_in_lists(world, *messages)
    return sorted((message.msgid for message in messages), reverse=True)


class Standing:
    """A clock that stands while a page is made, so that its calls count in one second."""

    def __init__(self, at: int) -> None:
        self.at = at

    def now(self) -> int:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += round(seconds * 1000)


def new_container() -> World:
    """Return a world that remembers nothing, on a clock that stands."""
    world = real_container()
    return replace(world, clock=Standing(world.clock.now()))


def list_many(world: World, key: str) -> None:
    """Put many messages to a person into the lists, as the stream would, but not into tables."""
    messages = [a_message("u1", channel_key=key) for _ in range(MESSAGES)]
    entries = [Entry(key, each.summary, each.expires, each.userids) for each in messages]
    for place in range(0, len(entries), 500):
        world.notes.add((), entries[place : place + 500])


def requests(browser: Browser, aws: Callable[[str], Any], msgids: list[str]) -> Mapping[str, int]:
    """Return the number of requests of each page, in the same state of caches."""
    found = {}
    for path in PAGES:
        asked = f"/c/{browser.key}{path}".format(four=",".join(msgids[:4]))
        more = {"hx_request": "true"} if path.startswith(PARTS) else {}
        browser.world.clock.sleep(1)  # pages share no second, in which calls are limited
        with counted(aws) as counts:
            page = browser.get(asked, **more)
        assert page.status == 200, (path, page.plain)
        found[path] = counts.total()
    return found


def months_before(now: int) -> int:
    """Return how many months a list goes back through, with the retention of the default."""
    return len(_months(now - (DAYS * 86400 + LONGEST) * 1000, now))


def on_the_worst_day(found: Mapping[str, int], world: World) -> dict[str, int]:
    """Return what pages with lists that are not full take on a day of the most months."""
    assert world.limits.history_days == DAYS
    fewer = MONTHS - months_before(world.clock.now())
    return {path: number + fewer * (path in LISTING) for path, number in found.items()}


def documented() -> Mapping[str, int]:
    """Return the table of the documentation: the most requests of each page."""
    rows = re.findall(r"^\| `(/[^`]*)` \|[^|]*\| (\d+) \|$", TABLE.read_text(), re.MULTILINE)
    return {path: int(number) for path, number in rows}


def test_a_list_goes_back_through_four_months_at_most() -> None:
    begin, day = 1_764_547_200_000, 86_400_000  # 2025-12-01
    assert {months_before(begin + number * day) for number in range(4 * 366)} == {3, MONTHS}


@pytest.mark.usefixtures("own_tables")
def test_the_requests_of_a_page_do_not_grow_with_users_and_messages(
    aws: Callable[[str], Any],
) -> None:
    world = real_container()
    browser = a_shop(world)
    msgids = fill(world, browser.key)
    browser.world = new_container()
    small = on_the_worst_day(requests(browser, aws, msgids), browser.world)
    list_many(world, browser.key)
    browser.world = world = new_container()
    with Generated(world, aws("dynamodb"), MILLION):
        assert world.users.estimate() > MILLION * 0.9
        large = requests(browser, aws, msgids)
    most = {path: max(small[path], large[path]) for path in PAGES}
    print(f"{'page':50} {'small':>6} {'large':>6}")
    for path in PAGES:
        print(f"{path:50} {small[path]:6} {large[path]:6}")
    bounds = documented()
    assert {path: number for path, number in most.items() if number > bounds.get(path, 0)} == {}
    assert bounds.keys() == {*PAGES}
    assert {path: most[path] for path in PAGES if bounds[path] > most[path] + 3} == {}
    over = {path: number for path, number in bounds.items() if number > WIDE.get(path, BOUND)}
    assert over == {}
