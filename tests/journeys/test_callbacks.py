"""A real server gets callbacks of every type from the running stack, and verifies them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest
from standardwebhooks import Webhook

from infra.demo.client import Shop
from tests.journeys.conftest import change, eventually
from tests.journeys.receiver import Receiver, receiving

HI = {"platform": "all", "notification": {"alert": "hi"}}
SMS = {"temp_id": 1}


def place(shop: Shop) -> str:
    return f"access-channels/{shop.key}/callbacks"


def ask(shop: Shop, method: str, path: str, body: Any = None) -> dict[str, Any]:
    return shop.admin.ask(method, f"/admin/v1/{place(shop)}{path}", body)


def report_to(shop: Shop, receiver: Receiver, **address: Any) -> dict[str, Any]:
    """Add a receiver, and make it the default of callbacks that are on."""
    fields = {"auth": "basic", "secret": shop.secret, **address}
    added = change(shop, "POST", f"{place(shop)}/addresses", {"url": receiver.url, **fields})
    change(shop, "PATCH", place(shop), {"enabled": True, "default": added["id"]})
    return added


def post(shop: Shop, body: Mapping[str, Any]) -> str:
    return str(shop.api.ask("POST", "/v1/sent", body)["msgid"])


@pytest.fixture(scope="module")
def callers(shop: Shop) -> Shop:
    phone = f"136{int(shop.mark[:5], 16) % 10000:04d}"
    shop.upload(
        [
            shop.user("ok", app=[f"{shop.mark}-click"], sms=f"{phone}0030"),
            shop.user("refused", sms=f"{phone}0001"),
            shop.user("undelivered", sms=f"{phone}0002"),
            shop.user("silent", app=[f"{shop.mark}-silent"], sms=f"{phone}0003"),
        ]
    )
    return shop


def test_a_receiver_written_for_ums_decodes_records_of_every_type(callers: Shop) -> None:
    shop = callers
    with receiving(credentials=f"{shop.key}:{shop.secret}") as receiver:
        added = report_to(shop, receiver)
        tested = eventually(
            lambda: ask(shop, "POST", f"/addresses/{added['id']}/test"),
            lambda told: told["status"] != "pending",
        )
        assert (tested["status"], len(receiver.echoes[0])) == ("ok", 32)
        people = ["ok", "refused", "undelivered", "nobody"]
        params = {"name": "joe", "age": 26}
        body = {"aud_userid": people, "msg_app": [HI], "msg_sms": [SMS]}
        msgid = post(shop, {**body, "callback": {"params": params}})
        eventually(lambda: receiver.types(msgid), lambda types: types >= {0, 1, 2, 3, 4, 5, 6})
        body = {"aud_userid": ["silent"], "msg_app": [HI], "msg_sms": [SMS]}
        withdrawn = post(shop, body)
        eventually(lambda: receiver.types(withdrawn), lambda types: types >= {0, 2})
        shop.api.ask("POST", f"/v1/retract/{withdrawn}")
        eventually(lambda: receiver.types(withdrawn), lambda types: types >= {7, 8})
        report = eventually(
            lambda: shop.api.message(withdrawn)["withdrawal"], lambda told: not told["open"]
        )
        assert report == {"stopped": 0, "recalled": 1, "failed": 1, "open": 0}
        assert receiver.faults == []
        of_first = [record for record in receiver.records if record["msgid"] == msgid]
        assert all(record["params"] == params for record in of_first)
        assert all(record["channelkey"] == shop.key for record in receiver.records)
        lost = {r["userid"] for r in receiver.records if r["type"] == 1}
        assert lost == {"nobody"}


def test_signed_callbacks_are_verified_and_a_refused_one_comes_again(callers: Shop) -> None:
    shop = callers
    with receiving(statuses=[503]) as receiver:
        added = report_to(shop, receiver, auth="signature", secret="", retries="long")
        phone = f"137{int(shop.mark[:5], 16) % 10000:04d}0031"
        body = {"aud_sms": [{"instance": shop.code("sms"), "data": [phone]}], "msg_sms": [SMS]}
        msgid = post(shop, body)
        eventually(lambda: receiver.types(msgid), lambda types: types >= {0, 2, 4})
        for headers, raw in receiver.posts:
            assert Webhook(added["signing_secret"]).verify(raw, headers)
            assert "authorization" not in headers
        assert {record["userid"] for record in receiver.records} == {""}
        assert {record["sender_id"] for record in receiver.records} == {phone}
        states = {
            batch["id"]: [attempt["status"] for attempt in batch["attempts"]]
            for batch in ask(shop, "GET", "/batches")["batches"]
            if batch["address"] == added["id"]
        }
        assert [503, 200] in states.values()


def test_a_paused_address_is_replayed_and_its_records_are_kept(callers: Shop) -> None:
    shop = callers
    since = round(time.time() * 1000) - 60_000
    with receiving() as receiver:
        added = report_to(shop, receiver)
        change(shop, "PATCH", f"{place(shop)}/addresses/{added['id']}", {"paused": True})
        msgid = post(shop, {"aud_userid": ["ok"], "msg_sms": [SMS]})

        def held() -> list[dict[str, Any]]:
            batches = ask(shop, "GET", f"/batches?since={since}")["batches"]
            return [batch for batch in batches if batch["state"] == "held"]

        (batch, *_) = eventually(
            held, lambda batches: sum(batch["records"] for batch in batches) >= 3
        )
        kept = ask(shop, "GET", f"/batches/{batch['id']}")
        assert {record["msgid"] for record in kept["body"]} == {msgid}
        assert receiver.posts == []
        change(shop, "PATCH", f"{place(shop)}/addresses/{added['id']}", {"paused": False})
        until = round(time.time() * 1000) + 60_000
        ask(shop, "POST", "/replay", {"since": since, "until": until, "states": ["held"]})
        eventually(lambda: receiver.types(msgid), lambda types: types >= {0, 2, 4})
