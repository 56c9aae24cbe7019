"""A throttled table: callers are answered within a second, an alarm's metric counts, and a repeat
goes on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from infra.demo.client import Shop
from tests.journeys.conftest import STACK, eventually, finished
from tests.journeys.test_costs import counted

pytestmark = pytest.mark.alone  # it throttles everybody


@contextmanager
def throttled(stack: Mapping[str, Any], table: str) -> Iterator[None]:
    address = f"{stack['emulator_url']}/_openums/throttled"
    requests.put(f"{address}/openums-{STACK.stage}-{table}", timeout=10).raise_for_status()
    try:
        yield
    finally:
        requests.delete(address, timeout=10).raise_for_status()


@pytest.mark.parametrize("people", [1, 3])
def test_a_throttled_send_rings_and_its_repeat_goes_on(
    stack: Mapping[str, Any], people: int
) -> None:
    shop = Shop(stack, kinds=("app",))
    names = [f"{shop.mark}_{n}" for n in range(people)]
    shop.upload([shop.user(name, app=[f"reg{name}"]) for name in names])
    body = {
        "aud_userid": names,
        "template_id": shop.template(app={"title": "t", "alert": "a"}),
        "app_para": {"platform": "all"},
    }

    def send() -> requests.Response:
        return requests.post(
            f"{shop.api.url}/v1/template/sent",
            json=body,
            auth=shop.api.pair,
            headers={"Idempotency-Key": shop.mark},
            timeout=30,
        )

    before, seconds = counted("aws_busy"), []
    with throttled(stack, "messages"):
        for _ in range(3):
            begin = time.monotonic()
            answer = send()
            seconds.append(time.monotonic() - begin)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            assert set(answer.json()) == {"code", "message"}
    assert min(seconds) < 1
    assert eventually(lambda: counted("aws_busy"), lambda now: now >= before + 3)
    accepted = eventually(send, lambda answer: answer.status_code == 200).json()["msgid"]
    assert send().json()["msgid"] == accepted
    finished(shop, accepted, delivered=people)
    sends = shop.sandbox.sends("jpush")
    assert [sends.get(f"reg{name}") for name in names] == [1] * people
