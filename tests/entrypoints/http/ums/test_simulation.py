"""Simulations by HTTP: any body of a send, for its access channel or an operator."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.entrypoints.http import allowances
from tests.entrypoints.conftest import KEY, OTHER_KEY, SENDER, Api, Reply, message

CHUANGLAN = {
    "name": "Texts",
    "code": "text1",
    "type": "sms",
    "platform": "chuanglan",
    "credentials": {"account": "N1234567", "password": "p"},
    "options": {"signature": "Shop"},
    "price": 0.05,
}


def simulate(api: Api, body: Any, **options: Any) -> Reply:
    return api.send(body, path="/v1/simulate", **options)


def for_operators(api: Api, body: Any, key: str = KEY) -> Reply:
    return api.admin("POST", "simulate", {"channel_key": key, "send": body})


@pytest.fixture
def known(configured: Api) -> Api:
    person = {"userid": "user1", "phone": {"all": "13800138000"}, "app": {"app1": ["reg-1"]}}
    assert configured.users([person]).code == 0
    return configured


def test_a_template_message_is_simulated_as_it_would_be_sent(known: Api) -> None:
    answer = simulate(known, message())
    assert (answer.status, answer.code) == (200, 0)
    assert answer.json["funnel"]["users"] == {"planned": 2, "valid": 1}
    assert answer.json["losses"]["users"] == {"unknown_user": 1}
    assert [step["channels"] for step in answer.json["steps"]] == [["app"], ["sms"]]
    rows = {row["code"]: row for row in answer.json["deliveries"]}
    assert rows["sms1"]["example"]["contact"] == "138****8000"
    assert rows["app1"]["example"]["content"]["alert"] == "Hello Li"
    assert not known.fake.messages.stored
    operators = for_operators(known, message())
    times = ("steps", "hold")
    assert {k: v for k, v in operators.json.items() if k not in times} == {
        k: v for k, v in answer.json.items() if k not in times
    }


def test_a_body_without_an_audience_is_that_of_a_broadcast(known: Api) -> None:
    answer = simulate(known, message(aud_userid=...))
    assert answer.json["funnel"]["users"] == {"planned": 1, "valid": 1}


def test_an_ordinary_message_to_phones_is_priced(configured: Api) -> None:
    """Seventy characters of text and a signature of six are two parts."""
    assert configured.admin("POST", "channels", CHUANGLAN).status == 201
    for code, enabled in (("text1", True), ("sms1", False)):
        path = f"access-channels/{KEY}/channels/{code}"
        assert configured.admin("PUT", path, {"enabled": enabled}).status == 200
    phones = ["13800138000", "13900139000"]
    body = {"aud_sms": [{"data": phones}], "msg_sms": [{"content": "字" * 70}]}
    answer = simulate(configured, body).json
    (row,) = answer["deliveries"]
    assert (row["deliveries"], row["calls"], row["parts"]) == (2, 1, 2)
    assert (row["price"], answer["cost"]) == (0.1, 0.2)
    assert row["example"]["contact"] == "138****8000"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (message(rule_id=77), 1015026),
        (message(template_id=77), 1015031),
        (message(template_para={}), 4004),
        (message(option={"black_id": 77}), 1015046),
        (message(aud_sms=[{"data": ["13800138000"]}]), 1019004),
        ({}, 4004),
        ([], 4004),
    ],
)
def test_what_a_send_refuses_is_refused_alike(configured: Api, body: Any, code: int) -> None:
    answer = simulate(configured, body)
    assert (answer.status, answer.code) == (400, code)
    sent = configured.send(body)
    if isinstance(body, dict) and body:
        assert answer.json == sent.json
        operators = for_operators(configured, body)
        assert (operators.status, operators.json["status"]) == (400, 400)


def test_only_its_own_access_channel_and_members_simulate(configured: Api) -> None:
    assert simulate(configured, message(), auth=None).status == 401
    assert for_operators(configured, message(), "nobody").status == 404
    assert for_operators(configured, message(), OTHER_KEY).status == 400  # it has no template
    unauthorised = configured(
        "POST", "/admin/v1/simulate", {"channel_key": KEY, "send": message()}, auth=SENDER
    )
    assert unauthorised.status == 401


def test_for_who_may_only_look_a_simulation_for_a_contact_counts_as_a_search(
    configured: Api,
) -> None:
    member = {"name": "reader", "role": "read-only"}
    made = configured.admin("POST", "members", member).json
    reader = f"{made['access_key']}:{made['access_secret']}"
    users = {name: value for name, value in message().items() if not name.startswith("aud_")}
    body = {"channel_key": KEY, "send": {**users, "aud_sms": [{"data": ["13800138000"]}]}}
    assert configured.admin("POST", "simulate", body).status == 200
    assert configured.admin("POST", "simulate", body, auth=reader).status == 200
    counted = configured.fake.counters.counted
    (name,) = (each for each in counted if "contact_search" in each)
    counted[name] = allowances.CONTACT_SEARCHES.most
    configured.fake.clock.advance(1)
    assert configured.admin("POST", "simulate", body, auth=reader).status == 429
    assert configured.admin("POST", "simulate", {**body, "send": message()}, auth=reader).json
    assert configured.admin("POST", "simulate", body).status == 200


def test_a_closed_access_channel_would_send_nothing(configured: Api) -> None:
    path = f"access-channels/{KEY}"
    closed = configured.admin("PATCH", path, {"enabled": False}, headers={"If-Match": "*"})
    assert closed.status == 200
    answer = for_operators(configured, message())
    assert (answer.status, "closed" in answer.json["detail"]) == (400, True)


def test_a_delivery_channel_has_a_price(configured: Api) -> None:
    for price in (0.045, 0, None):
        change = configured.admin(
            "PATCH", "channels/app1", {"price": price}, headers={"If-Match": "*"}
        )
        assert (change.status, change.json["price"]) == (200, price)
        assert configured.admin("GET", "channels/app1").json["price"] == price
    for wrong in (-1, 10**7, "1", True):
        refused = configured.admin(
            "PATCH", "channels/app1", {"price": wrong}, headers={"If-Match": "*"}
        )
        assert refused.status == 400
