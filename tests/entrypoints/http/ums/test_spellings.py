"""Contacts get their canonical spelling at the door of every interface."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.plans import ChunkId
from chalicelib.entrypoints.http.schemas.audiences import Audience
from chalicelib.entrypoints.http.schemas.base import validate
from tests.builders import a_user
from tests.entrypoints.conftest import KEY, SENDER, Api
from tests.entrypoints.http.ums.sends import ordinary, refused, stored

ABROAD = ["85291234567", "+85291234567", "0085291234567", "852-9123 4567", "852\u200b91234567"]


def sent_to(*contacts: str) -> dict[str, Any]:
    return ordinary(aud_userid=..., aud_sms=[{"data": list(contacts)}])


def test_spellings_of_one_number_in_an_audience_are_one_target(configured: Api) -> None:
    body = sent_to(*ABROAD, "138 0013 8000", "+8613800138000")
    message = stored(configured, configured.send(body, path="/v1/sent"))
    plan = configured.world.ledger.plan(ChunkId(message.msgid, 0))
    assert plan is not None
    assert plan.contacts == ({"sms1": ("+85291234567",)}, {"sms1": ("13800138000",)})
    path = f"/v1/messages/{message.msgid}/targets"
    for spelling in ABROAD:
        query = {"type": "sms", "contact": spelling}
        assert configured("POST", path, query, auth=SENDER).code == 0


@pytest.mark.parametrize("blank", ["", " ", "\u200b", "\ufeff\u2060", "\u3164", "a b", "a\u3000b"])
def test_an_id_that_shows_nothing_or_has_spaces_is_refused(configured: Api, blank: str) -> None:
    refused(configured, sent_to(blank), 4004, "aud_sms[0].data[0]")


def test_what_is_uploaded_is_stored_in_one_spelling(configured: Api) -> None:
    entry = {
        "userid": "u",
        "phone": {"all": "852-9123 4567", KEY: "+86 138-0013-8000"},
        "email": {"all": "Ann\u200b@Exam\u200dple\u3002com"},
        "app": {"app1": ["r1\u200b", " r1", "r2"]},
        "wechatwk": "ZhangSan",
    }
    assert configured.users([entry]).json["data"]["fail"] == []
    assert configured.fake.users.stored["u"].contacts == {
        ChannelType.APP: {"app1": ("r1", "r2")},
        ChannelType.EMAIL: {"all": ("Ann@example.com",)},
        ChannelType.SMS: {"all": ("+85291234567",), KEY: ("13800138000",)},
        ChannelType.WECHATWK: {"all": ("ZhangSan",)},
    }
    gone = {"userid": "u", "del": {"phone": {"all": "0085291234567"}, "wechatwk": "zhangsan"}}
    assert configured.users([gone]).json["data"]["fail"] == []
    assert set(configured.fake.users.stored["u"].contacts) == {
        ChannelType.APP,
        ChannelType.EMAIL,
        ChannelType.SMS,
    }


@pytest.mark.parametrize(
    "address", ["a..b@c.cn", ".a@c.cn", "a.@c.cn", "a@c_d.cn", "a@c..cn", "a@-c.cn", "=?x@c.cn"]
)
def test_an_address_that_our_own_sender_refuses_is_refused_at_the_door(
    configured: Api, address: str
) -> None:
    data = configured.users([{"userid": "u", "email": {"all": address}}]).json["data"]
    assert data["success"] == []
    assert data["fail"][0]["errmsg"].startswith("[0].email.all: 须为邮箱地址 (must be an e-mail")


@pytest.mark.parametrize("spelling", ABROAD[:3])
def test_operators_find_a_user_by_any_spelling(configured: Api, spelling: str) -> None:
    configured.fake.users.has(a_user("ann", text="0085291234567"))
    body = {"type": "sms", "contact": spelling}
    answer = configured.admin("POST", "users/search", body).json
    assert [user["userid"] for user in answer["users"]] == ["ann"]


def test_a_mailbox_and_a_userid_of_wecom_are_named_once_whatever_their_case() -> None:
    body = {
        "aud_email": [
            {"data": ["Ann@example.com", "ann@EXAMPLE.com"]},
            {"data": ["ANN@example.com"]},
        ],
        "aud_wechatwk": [{"data": ["ZhangSan", "zhangsan"]}],
    }
    assert validate(Audience, body).targets()["contacts"] == {
        ChannelType.EMAIL: ("Ann@example.com",),
        ChannelType.WECHATWK: ("ZhangSan",),
    }
