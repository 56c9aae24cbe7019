"""Printed bodies of UMS. More of them are in test_printed.py."""

from __future__ import annotations

import json

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.strategies import Step, Strategy
from chalicelib.domain.templates import Template
from tests import printed
from tests.entrypoints.conftest import KEY, SENDER, Api
from tests.entrypoints.http.ums.sends import stored


@pytest.fixture
def numbered(configured: Api) -> Api:
    """The template and the policy of UMS's examples, by their numbers."""
    settings = configured.fake.settings
    contents = {ChannelType.APP: {"alert": "{{user}} {{url}}"}}
    settings.put_template(Template(10001, 1, KEY, "example", contents, frozenset({"url"})))
    settings.put_strategy(1001, KEY, "example", Strategy((Step((ChannelType.APP,)),)))
    return configured


@pytest.mark.parametrize("path", ["/v1/sent", "/v1/template/sent"])
def test_the_template_message_that_ums_prints(numbered: Api, path: str) -> None:
    reply = numbered.send(raw=printed.TEMPLATE_MESSAGE.encode(), path=path)
    found = stored(numbered, reply)
    assert reply.json == {"code": 0, "msgid": found.msgid, "msgno": found.msgid, "sendno": "test"}
    assert (found.template, found.rule_id, found.owner, found.black_id, found.priority) == (
        (10001, 1),
        1001,
        "admin",
        1234,
        2,
    )
    assert found.app_para == {"platform": "ios", "time_to_live": 9999, "apns_production": True}
    assert found.callback == {
        "url": "https://www.jiguang.cn/ums-portal",
        "params": {"name": "joe", "age": 26},
    }


def test_the_ordinary_message_that_ums_prints(numbered: Api) -> None:
    found = stored(numbered, numbered.send(raw=printed.ORDINARY_MESSAGE.encode(), path="/v1/sent"))
    assert found.contents == {"app1": {"notification": {"android": {"alert": "Hi,JPush !"}}}}
    assert (found.app_para, found.template, found.userids) == (
        {"platform": "android"},
        (0, 0),
        ("user1", "user2"),
    )
    told = numbered("GET", f"/v1/messages/{found.msgid}", auth=SENDER).json
    assert (told["template"], told["rule_id"]) == (None, 1001)


def test_the_registration_ids_that_ums_prints_are_read_for_every_type(configured: Api) -> None:
    from chalicelib.entrypoints.http.schemas.audiences import Audience

    read = Audience.model_validate(json.loads(printed.REGISTRATION_IDS)).targets()["contacts"]
    assert list(read) == list(ChannelType)
    assert read[ChannelType.WECHATWK_LINKEDCORP] == ("CorpId1/userid1", "CorpId2/userid2")
