"""One search for messages, users, contacts and names."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.reports import search
from tests.entrypoints.conftest import KEY, OTHER, OTHER_KEY, SENDER, Api, message

PHONE = "13800001111"


def found(api: Api, text: str, channel_key: str = KEY) -> Any:
    api.fake.clock.advance(1)
    answer = api.admin("POST", "search", {"text": text, "channel_key": channel_key})
    assert answer.status == 200, answer.json
    return answer.json


def names(answer: Any) -> list[tuple[str, str]]:
    return [(each["kind"], each["name"]) for each in answer["named"]]


def test_a_text_is_a_msgid_the_begin_of_a_userid_or_a_part_of_a_name(configured: Api) -> None:
    configured.users([{"userid": "user1"}, {"userid": "user22"}, {"userid": "ann"}])
    msgid = configured.send(message(option={"name": "Sale"})).json["msgid"]
    (hit,) = found(configured, f" {msgid} ")["messages"]
    assert (hit["msgid"], hit["name"], hit["channel_key"]) == (msgid, "Sale", KEY)
    assert sorted(found(configured, "user")["users"]) == ["user1", "user22"]
    assert found(configured, "user2")["users"] == ["user22"]
    assert names(found(configured, "GREET")) == [("template", "greeting")]
    assert names(found(configured, "sms")) == [("strategy", "push, then SMS")]
    assert names(found(configured, "segment 5")) == [("segment", "segment 5")]
    assert names(found(configured, "the few")) == [("whitelist", "the few")]
    assert names(found(configured, "shop")) == [("access_channel", "shop")]
    assert names(found(configured, KEY)) == [("access_channel", "shop")]
    assert names(found(configured, "greet", "")) == []
    assert names(found(configured, "greet", OTHER_KEY)) == []


def test_a_contact_is_found_whole_and_stands_hashed_in_the_audit_log(configured: Api) -> None:
    configured.users([{"userid": "ann", "phone": {"all": PHONE}, "email": {"all": "a@b.cn"}}])
    assert found(configured, "138 0000 1111")["contacts"] == ["ann"]
    assert found(configured, "a@b.cn")["contacts"] == ["ann"]
    assert found(configured, PHONE[:-1])["contacts"] == []
    entries = [e for e in configured.fake.audit.stored.values() if e.route == "/admin/v1/search"]
    assert len(entries) == 3
    assert PHONE not in str(entries)
    assert "a@b.cn" not in str(entries)


def test_searches_for_contacts_have_an_allowance(configured: Api) -> None:
    statuses = []
    for number in range(201):
        configured.fake.clock.advance(1)
        body = {"text": f"1380000{number:04d}"}
        statuses.append(configured.admin("POST", "search", body).status)
    assert statuses == [200] * 200 + [429]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("a@b.cn", (ChannelType.EMAIL,)),
        ("ann＠example.com\u200b", (ChannelType.EMAIL,)),
        ("+86 138-0000-1111", (ChannelType.SMS,)),
        ("138.0000.1111", (ChannelType.SMS,)),
        ("１３８００００１１１１", (ChannelType.SMS,)),
        ("(0755) 8888·1111", (ChannelType.SMS,)),
        ("o6_bmjrPTlm6_2sgVt7hMZOPfL2M", (ChannelType.APP, ChannelType.WECHATOA)),
        ("06h8b4ho0002m1ab", ()),
        ("ann", ()),
        ("夏季促销", ()),
    ],
)
def test_a_contact_is_known_by_its_shape(text: str, kinds: tuple[ChannelType, ...]) -> None:
    assert search.kinds_of(text) == kinds


def test_any_text_is_answered(configured: Api) -> None:
    for text in ("%", "用户", "x" * 256, "'; --", "#", "a#b"):
        assert found(configured, text)["messages"] == []
    for body in ({}, {"text": ""}, {"text": "x" * 257}, {"text": 1}, {"text": "a", "more": 1}):
        configured.fake.clock.advance(1)
        assert configured.admin("POST", "search", body).status == 400
    body = {"text": "a", "channel_key": "no key"}
    assert configured.admin("POST", "search", body).status == 404


def test_an_access_channel_finds_only_what_is_its_own(configured: Api) -> None:
    configured.users([{"userid": "greeter"}])
    msgid = configured.send(message()).json["msgid"]
    for auth, messages in ((SENDER, [msgid]), (OTHER, [])):
        answer = configured("POST", "/v1/search", {"text": msgid}, auth=auth).json
        assert [each["msgid"] for each in answer["messages"]] == messages
    own = configured("POST", "/v1/search", {"text": "greet"}, auth=SENDER).json
    assert (names(own), own["users"]) == ([("template", "greeting")], [])
    assert names(configured("POST", "/v1/search", {"text": "greet"}, auth=OTHER).json) == []
