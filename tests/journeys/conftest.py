"""A local stack for the journeys, and their means to read it.

`make test` starts and stops the stack. A run of these tests alone starts a missing stack, and stops
it again. `make localstack` runs them on LocalStack, by the variable STACK.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.demo.client import Shop
from infra.local.deployment import local_aws
from infra.local.emulators import LOCALSTACK
from infra.local.files import Stack
from infra.local.stack import down, up
from tests.journeys import on_localstack
from tests.liveness import eventually

STACK = Stack(os.environ.get("STACK", "test"), "test")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        item.add_marker("stack")
        why = on_localstack.why_not(item.path.name, item.name)
        if why and STACK.name == LOCALSTACK:
            item.add_marker(pytest.mark.skip(reason=why))


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


@dataclass(frozen=True)
class Late:
    """A message to people whose receipts come half a minute late."""

    shop: Shop
    msgid: str

    def states(self) -> dict[str, str]:
        return {
            userid: self.shop.api.target(self.msgid, userid)["state"]
            for userid in ("late_app", "late_sms", "late_email")
        }


@pytest.fixture(scope="session")
def late(stack: Mapping[str, Any]) -> Late:
    """Sent early, so that other journeys go on while the receipts are on their way."""
    shop = Shop(stack)
    phone = f"1{int(shop.mark, 16) % 1_000_000:06d}0004"
    contacts = {
        "app": [f"{shop.mark}-late"],
        "sms": phone,
        "email": f"{shop.mark}-late@example.com",
    }
    shop.upload(
        [shop.user(f"late_{kind}", **{kind: contact}) for kind, contact in contacts.items()]
    )
    template = shop.template(
        app={"title": "t", "alert": "a"}, sms={"temp_id": 1}, email={"subject": "s", "text": "t"}
    )
    return Late(shop, shop.api.send([f"late_{kind}" for kind in contacts], template, {}))


def finished(shop: Shop, msgid: str, **more: Any) -> dict[str, Any]:
    """The answer about a message when everything is decided."""

    def is_over(answer: dict[str, Any]) -> bool:
        return answer["status"] == "finished" and all(
            answer["funnel"]["users"][stage] >= n for stage, n in more.items()
        )

    found: dict[str, Any] = eventually(lambda: shop.api.message(msgid), is_over)
    assert found["balanced"]
    return found


def scan(aws: Any, table: str) -> list[dict[str, Any]]:
    pages = (
        aws.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=f"openums-{STACK.stage}-{table}")
    )
    return [item for page in pages for item in page["Items"]]
