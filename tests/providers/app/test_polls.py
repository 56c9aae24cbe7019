"""Polls of JPush's states."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import Misconfigured, Unavailable, Uncertain
from chalicelib.domain.provider_io import Receipt, ReceiptKind
from chalicelib.providers.app.jpush import JPush
from chalicelib.web.messages import Response
from tests.providers.app.calls import NOON
from tests.providers.scripted import ScriptedTransport, account, failure, http, reply


def polled(*answers: Response | Exception, now: float = NOON, **options: Any):
    transport = ScriptedTransport(*answers)
    with JPush(http(transport), now=lambda: now).connect(account(**options)) as session:
        return session.poll({"18": ["a", "b", "c", "d", "e", "f"]}), transport


def test_polling_reads_what_is_certain() -> None:
    states = {
        "a": {"status": 0},
        "b": {"status": 1},
        "c": {"status": 2},
        "d": {"status": 3},
        "e": {"status": 4},
        "f": "?",
        "x": {},
    }
    receipts, transport = polled(reply(states))
    at = int(NOON * 1000)
    assert receipts == [
        Receipt("18", ReceiptKind.DELIVERED, at, "a"),
        Receipt("18", ReceiptKind.DELIVERY_FAILED, at, "c", "2"),
    ]
    assert transport.requests[0].url == "https://report.jpush.cn/v3/status/message"
    assert transport.bodies() == [
        {"msg_id": 18, "registration_ids": ["a", "b", "c", "d", "e", "f"]}
    ]


def test_polling_asks_for_yesterday_in_the_small_hours() -> None:
    receipts, transport = polled(
        reply({"a": {"status": 0}}), reply({"b": {"status": 0}}), now=NOON - 11 * 3600
    )
    assert [r.contact for r in receipts] == ["a", "b"]
    first, second = transport.bodies()
    assert "date" not in first
    assert second["registration_ids"] == ["b", "c", "d", "e", "f"]
    assert len(second["date"]) == 10


def test_polling_asks_for_a_thousand_at_a_time() -> None:
    transport = ScriptedTransport(reply({}), reply({}), reply({}))
    with JPush(http(transport), now=lambda: NOON).connect(
        account(report_url="https://r.example")
    ) as session:
        session.poll({"18": [str(n) for n in range(1500)], "19": ["a"]})
    assert [len(body["registration_ids"]) for body in transport.bodies()] == [1000, 500, 1]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (failure(3001, 401), Misconfigured),
        (failure(10, 500), Unavailable),
        (Uncertain("timeout"), Unavailable),
    ],
)
def test_a_failed_poll_says_what_to_do(answer: Response | Exception, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        polled(answer)
