"""A local stack for the journeys, and their means to read it.

`make test` starts and stops the stack. A run of these tests alone starts a missing stack, and stops
it again. `make localstack` runs them on LocalStack, by the variable STACK.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests
from xdist.scheduler import LoadScopeScheduling

from infra.demo.client import TIMEOUT, Shop
from infra.demo.platforms import share_numbers
from infra.local.deployment import local_aws
from infra.local.emulators import LOCALSTACK
from infra.local.files import Stack
from infra.local.stack import down, up
from tests.journeys import on_localstack
from tests.liveness import eventually

T = TypeVar("T")
STACK = Stack(os.environ.get("STACK", "test"), "test")

# Slow ones come first. Those that need the cores take turns with those that wait.
# They are files, and tests apart from their file.
FIRST = (
    "test_openapi.py",
    "test_strategies.py",
    "test_console.py::test_every_page_is_accessible_quiet_and_fits[en-light-desktop]",
    "test_ab_tests.py",
    "test_clicks.py",
    "test_channels.py",
    "test_channels.py::test_who_writes_back_gets_nothing_more_also_where_receipts_are_asked_for",
    "test_console.py::test_every_page_is_accessible_quiet_and_fits[zh-dark-phone]",
    "test_quotas.py",
    "test_demo.py::test_the_demo_runs_and_every_figure_is_right",
    "test_every_channel.py",
    "test_printed.py",
    "test_demo.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Give a worker phone numbers of its own."""
    if worker := getattr(config, "workerinput", None):
        share_numbers(int(worker["workerid"].removeprefix("gw")), worker["workercount"])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in filter(_is_journey, items):
        item.add_marker("stack")
        why = on_localstack.why_not(item.path.name, item.name)
        if why and STACK.name == LOCALSTACK:
            item.add_marker(pytest.mark.skip(reason=why))
    items.sort(key=lambda item: _place(item) if _is_journey(item) else -1)


def _is_journey(item: pytest.Item) -> bool:
    return Path(__file__).parent in item.path.parents


def _place(item: pytest.Item) -> int:
    """Return the place among the slow ones, or a later one."""
    group = group_of(item.nodeid)
    last = len(FIRST) + int(item.get_closest_marker("last") is not None)
    return FIRST.index(group) if group in FIRST else last


def group_of(nodeid: str) -> str:
    """Return the file of a test, or the test itself if it is one of the slow ones."""
    name = nodeid.rpartition("tests/journeys/")[2]
    return name if name in FIRST else name.partition("::")[0]


class Groups(LoadScopeScheduling):
    """One worker runs the tests of a group, one after the other. Slow groups begin first."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    config.option.loadscopereorder = False
    return Groups(config, log)


@pytest.fixture(scope="session")
def stack() -> Iterator[Mapping[str, Any]]:
    """Running and deployed."""
    ran_before = STACK.record.is_file()
    yield up(STACK)
    if not ran_before:
        down(STACK)


@pytest.fixture(scope="session")
def aws(stack: Mapping[str, Any]) -> Iterator[Any]:
    with local_aws(stack["emulator_url"]) as session:
        yield session


@pytest.fixture(scope="module")
def shop(stack: Mapping[str, Any]) -> Shop:
    return Shop(stack)


def change(
    shop: Shop, method: str, path: str, body: Any = None, version: str = "*"
) -> dict[str, Any]:
    """Change a setting of the management API, and wait until each process knows the change.

    A process keeps settings for SETTINGS_CACHE of the stage `test`, which is a second.
    """
    answer = requests.request(
        method,
        f"{shop.admin.url}/admin/v1/{path}",
        json=body,
        auth=shop.admin.pair,
        headers={"If-Match": version},
        timeout=TIMEOUT,
    )
    assert answer.ok, answer.text
    time.sleep(1.5)
    return dict(answer.json())


def finished(shop: Shop, msgid: str, **more: Any) -> dict[str, Any]:
    """The answer about a message when everything is decided."""

    def is_over(answer: dict[str, Any]) -> bool:
        return answer["status"] == "finished" and all(
            answer["funnel"]["users"][stage] >= n for stage, n in more.items()
        )

    found: dict[str, Any] = eventually(lambda: shop.api.message(msgid), is_over)
    assert found["balanced"]
    return found


def at_once(names: Iterable[str], do: Callable[[str], T]) -> dict[str, T]:
    """Do the same with each name, four at a time, as most of the time nothing but waits."""
    listed = list(names)
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(listed, pool.map(do, listed), strict=True))


def scan(aws: Any, table: str) -> list[dict[str, Any]]:
    pages = (
        aws.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=f"openums-{STACK.stage}-{table}")
    )
    return [item for page in pages for item in page["Items"]]
