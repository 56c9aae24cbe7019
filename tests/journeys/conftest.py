"""A local stack of its own for the journeys, and what they look at it with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from infra.local.client import Shop
from infra.local.stack import Stack, local_aws, up

STACK = Stack("test", "test")


@pytest.fixture(scope="session")
def stack() -> Mapping[str, Any]:
    """Running and deployed; `make test` stops it afterwards."""
    return up(STACK)


@pytest.fixture(scope="session")
def aws(stack: Mapping[str, Any]) -> Iterator[Any]:
    with local_aws(stack["emulator_url"]) as session:
        yield session


@pytest.fixture(scope="module")
def shop(stack: Mapping[str, Any]) -> Shop:
    return Shop(stack)


def eventually(read: Callable[[], Any], is_right: Callable[[Any], bool], seconds: float = 30) -> Any:
    """What is read once it is right; fails with the last reading."""
    end = time.monotonic() + seconds
    while True:
        found = read()
        if is_right(found):
            return found
        assert time.monotonic() < end, f"not within {seconds} s; last: {found}"
        time.sleep(0.3)


def finished(shop: Shop, msgid: str, seconds: float = 60, **more: Any) -> dict[str, Any]:
    """The answer about a message when everything is decided."""

    def is_over(answer: dict[str, Any]) -> bool:
        return answer["status"] == "finished" and all(answer["funnel"]["users"][stage] >= n for stage, n in more.items())

    found: dict[str, Any] = eventually(lambda: shop.api.message(msgid), is_over, seconds)
    assert found["balanced"]
    return found


def scan(aws: Any, table: str) -> list[dict[str, Any]]:
    pages = aws.client("dynamodb").get_paginator("scan").paginate(TableName=f"openums-{STACK.stage}-{table}")
    return [item for page in pages for item in page["Items"]]
