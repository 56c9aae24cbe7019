"""The sandbox's inbox by the management API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, ChannelType
from chalicelib.domain.sandbox import Screen, Simulated
from chalicelib.ports import Lookup
from chalicelib.reports import sandbox
from tests.entrypoints.conftest import Api, message
from tests.fakes.sandbox import URL

PHONE = "13800001111"


def simulated(number: int, **changes: Any) -> Simulated:
    fields: dict[str, Any] = {
        "type": ChannelType.SMS,
        "provider": "jsms",
        "contact": PHONE,
        "time": 1000 + number,
        "provider_id": f"m{number}",
        "screen": Screen(text=f"text {number}"),
    }
    return Simulated(number, **{**fields, **changes})


@pytest.fixture
def attached(configured: Api) -> Api:
    configured.fake.sandbox.url = URL
    return configured


def listed(api: Api, path: str = "sandbox/messages") -> Any:
    api.fake.clock.advance(1)
    answer = api.admin("GET", path)
    assert answer.status == 200, answer.json
    return answer.json


def numbers(answer: Any) -> list[int]:
    return [each["number"] for each in answer["messages"]]


def test_a_deployment_that_sends_to_people_has_no_inbox(configured: Api) -> None:
    state = {"attached": False, "url": "", "real_channels": []}
    assert configured.admin("GET", "sandbox").json == state
    for path in ("sandbox/messages", "sandbox/messages/1"):
        assert configured.admin("GET", path).status == 404
    body = {"type": "sms", "contact": PHONE}
    assert configured.admin("POST", "sandbox/messages/search", body).status == 404
    assert "sandbox.newest" not in configured.fake.log


def test_the_state_names_channels_that_lead_elsewhere(attached: Api) -> None:
    found = attached.admin("GET", "sandbox").json
    assert (found["attached"], found["url"]) == (True, URL)
    assert {each["code"] for each in found["real_channels"]} == {"app1", "sms1"}
    channels = attached.fake.records.of(DELIVERY_CHANNELS)
    sms = channels.get("sms1")
    assert sms is not None
    channels.update(sms, replace(sms, options={"base_url": f"{URL}/jsms"}))
    found = attached.admin("GET", "sandbox").json
    assert [each["code"] for each in found["real_channels"]] == ["app1"]


def test_the_inbox_has_the_newest_first_in_pages_and_by_type(attached: Api) -> None:
    attached.fake.sandbox.taken = [
        *map(simulated, range(1, 6)),
        simulated(6, type=ChannelType.EMAIL, contact="a@b.cn", screen=Screen("Hi", html="<b>")),
    ]
    first = listed(attached, "sandbox/messages?limit=4")
    assert numbers(first) == [6, 5, 4, 3]
    second = listed(attached, f"sandbox/messages?limit=4&cursor={first['cursor']}")
    assert (numbers(second), second["cursor"]) == ([2, 1], None)
    assert numbers(listed(attached, "sandbox/messages?type=email")) == [6]
    assert first["messages"][0]["html"] == "<b>"
    assert attached.admin("GET", "sandbox/messages/6").json == first["messages"][0]
    assert attached.admin("GET", "sandbox/messages/7").status == 404
    assert attached.admin("GET", "sandbox/messages/x").status == 404
    assert attached.admin("GET", "sandbox/messages?type=fax").status == 400


def test_messages_are_found_by_user_and_by_contact(attached: Api) -> None:
    attached.users([{"userid": "ann", "phone": {"all": PHONE}}, {"userid": "bob"}])
    attached.fake.sandbox.taken = [simulated(1), simulated(2, contact="13900000000")]
    assert numbers(listed(attached, "sandbox/messages?userid=ann")) == [1]
    assert numbers(listed(attached, "sandbox/messages?userid=bob")) == []
    attached.fake.clock.advance(1)
    assert attached.admin("GET", "sandbox/messages?userid=nobody").status == 404
    body = {"type": "sms", "contact": "138 0000 1111"}
    found = attached.admin("POST", "sandbox/messages/search", body).json
    assert (numbers(found), found["more"]) == ([1], False)


def test_a_message_leads_to_its_target(attached: Api) -> None:
    attached.users([{"userid": "ann", "phone": {"all": PHONE}}, {"userid": "bob"}])
    msgid = attached.send(
        message(aud_userid=["ann", "bob"], rule_id=0, app_para={"platform": "all"})
    ).json["msgid"]
    chunk = attached.plan(msgid).id
    attached.fake.lookups.found |= {
        ("sms1", "m1"): Lookup(chunk, (0, 0)),
        ("sms1", "m2"): Lookup(chunk),
    }
    attached.fake.sandbox.taken = [simulated(1), simulated(2), simulated(3)]
    before = len(attached.fake.log)
    third, second, first = listed(attached)["messages"]
    assert (first["msgid"], first["target"]) == (msgid, "ann")
    assert (second["msgid"], second["target"]) == (msgid, "ann")
    assert (third["msgid"], third["target"]) == (None, None)
    reads = [name for name in attached.fake.log[before:] if name == "lookups.find"]
    assert len(reads) == 1


def channels(api: Api, number: int, **changes: Any) -> list[str]:
    """Make delivery channels like that for SMS. Return their codes."""
    store = api.fake.records.of(DELIVERY_CHANNELS)
    sms = store.get("sms1")
    assert sms is not None
    made = [replace(sms, code=f"sms1x{n:02d}", name=f"x{n}", **changes) for n in range(number)]
    for channel in made:
        store.put(channel)
    return [channel.code for channel in made]


def test_the_origin_is_found_whichever_of_many_delivery_channels_it_came_from(
    attached: Api,
) -> None:
    attached.users([{"userid": "ann", "phone": {"all": PHONE}}])
    msgid = attached.send(
        message(aud_userid=["ann"], rule_id=0, app_para={"platform": "all"})
    ).json["msgid"]
    chunk = attached.plan(msgid).id
    codes = channels(attached, 30)
    attached.fake.lookups.found |= {
        (code, f"m{n}"): Lookup(chunk, (0, 0)) for n, code in enumerate(codes, 1)
    }
    attached.fake.sandbox.taken = [simulated(n) for n in range(1, 31)]
    before = len(attached.fake.log)
    found = listed(attached, "sandbox/messages?limit=50")["messages"]
    assert [each["msgid"] for each in found] == [msgid] * 30
    reads = [name for name in attached.fake.log[before:] if name == "lookups.find"]
    assert len(reads) <= 31 * 30 // 100 + 1


def test_an_id_of_another_platform_is_not_taken_for_ones_own(attached: Api) -> None:
    attached.users([{"userid": "ann", "phone": {"all": PHONE}}])
    msgid = attached.send(
        message(aud_userid=["ann"], rule_id=0, app_para={"platform": "all"})
    ).json["msgid"]
    (other,) = channels(attached, 1, platform="chuanglan")
    chunk = attached.plan(msgid).id
    attached.fake.lookups.found |= {
        (other, "m1"): Lookup(chunk, (0, 0)),
        (other, "m2"): Lookup(chunk, (0, 0)),
    }
    attached.fake.sandbox.taken = [simulated(1), simulated(2, provider="chuanglan")]
    of_other, own = listed(attached)["messages"]
    assert (of_other["msgid"], own["msgid"]) == (msgid, None)


def test_a_page_of_unknown_origins_takes_a_bounded_number_of_requests(attached: Api) -> None:
    channels(attached, 90)
    attached.fake.sandbox.taken = [simulated(n) for n in range(1, 51)]
    before = len(attached.fake.log)
    found = listed(attached, "sandbox/messages?limit=50")["messages"]
    assert {each["msgid"] for each in found} == {None}
    reads = [name for name in attached.fake.log[before:] if name == "lookups.find"]
    assert len(reads) == sandbox.REQUESTS


def test_a_sandbox_that_is_silent_is_a_refusal_that_says_so(attached: Api) -> None:
    attached.fake.sandbox.is_silent = True
    answer = attached.admin("GET", "sandbox/messages")
    assert answer.status == 503
    assert "sandbox does not answer" in answer.json["detail"]


@pytest.mark.parametrize("role", ["read-only", "reviewer", "operator"])
def test_contents_are_shown_to_operators_alone_and_stand_in_the_log(
    attached: Api, role: str
) -> None:
    attached.fake.sandbox.taken = [simulated(1)]
    made = attached.admin("POST", "members", {"name": "Chen", "role": role}).json
    auth = f"{made['access_key']}:{made['access_secret']}"
    assert attached.admin("GET", "sandbox", auth=auth).status == 200
    body = {"type": "sms", "contact": PHONE}
    for method, path in (
        ("GET", "sandbox/messages"),
        ("GET", "sandbox/messages/1"),
        ("POST", "sandbox/messages/search"),
    ):
        attached.fake.clock.advance(1)
        sent = body if method == "POST" else None
        answer = attached.admin(method, path, sent, auth=auth)
        assert answer.status == (200 if role == "operator" else 403)
        assert (PHONE in answer.body.decode()) is (role == "operator")
    log = attached.admin("GET", "audit").json["changes"]
    looked = [each for each in log if "sandbox/messages" in str(each)]
    looked = [each for each in looked if "contact_hash" not in each["ids"]]
    assert len(looked) == (3 if role == "operator" else 0)
