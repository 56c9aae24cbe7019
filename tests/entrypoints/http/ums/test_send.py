"""Sends of a template message."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import Conflict
from tests.entrypoints.conftest import KEY, OTHER, SENDER, Api, message
from tests.entrypoints.http.ums.sends import stored
from tests.entrypoints.http.ums.template_sends import refused


@pytest.mark.parametrize("path", ["/v1/template/sent", "/v1/sent"])
def test_a_template_message_is_accepted(configured: Api, path: str) -> None:
    body = message(
        option={"sendno": "a-1", "owner": "admin", "priority": 1, "black_id": 5},
        callback={"url": "https://x.cn/c", "params": {"a": 1}},
    )
    answer = configured.send(body, path=path).json
    assert answer == {
        "code": 0,
        "msgid": answer["msgid"],
        "msgno": answer["msgid"],
        "sendno": "a-1",
    }
    stored = configured.world.messages.get(answer["msgid"])
    assert stored is not None
    assert (stored.channel_key, stored.userids, stored.priority, stored.rule_id) == (
        KEY,
        ("user1", "user2"),
        1,
        1,
    )
    assert (stored.sendno, stored.owner, stored.black_id, stored.white_id) == (
        "a-1",
        "admin",
        5,
        None,
    )
    assert stored.callback == {"url": "https://x.cn/c", "params": {"a": 1}}
    assert stored.app_para == {"platform": "all"}


def test_without_a_sendno_none_is_returned(configured: Api) -> None:
    assert "sendno" not in configured.send(message()).json


def test_a_user_that_is_named_twice_is_one_target(configured: Api) -> None:
    msgid = configured.send(message(aud_userid=["b", "a", "b"])).json["msgid"]
    stored = configured.world.messages.get(msgid)
    assert stored is not None
    assert stored.userids == ("b", "a")


def test_a_template_that_does_not_exist(configured: Api) -> None:
    for number in (0, 2, 2**63 - 1):
        refused(configured, message(template_id=number), 1015031, "模板ID不存在")


def test_a_send_may_name_the_version_of_its_template(configured: Api) -> None:
    changed = {
        "name": "greeting",
        "contents": {"sms": {"sign_id": 1, "temp_id": 2, "temp_para": {"code": "{{code}}"}}},
    }
    assert (
        configured.admin("PUT", "templates/1", changed, headers={"If-Match": '"1"'}).json["version"]
        == 2
    )
    newest = {"template_para": {"code": "9"}, "app_para": ..., "rule_id": 0}
    for version, more in ((1, {}), (2, newest), (None, newest)):
        option = {} if version is None else {"template_version": version}
        answered = configured.send(message(option=option, **more))
        assert answered.code == 0, answered.json
        shown = configured("GET", f"/v1/messages/{answered.json['msgid']}", auth=SENDER).json[
            "template"
        ]
        assert shown == {"id": 1, "version": version or 2}


def test_a_version_that_a_template_has_not(configured: Api) -> None:
    for version in (-1, 3, 1_000_000):
        refused(
            configured,
            message(option={"template_version": version}),
            4004,
            "option.template_version",
        )
    ordinary = {"aud_userid": ["u"], "msg_sms": [{"temp_id": 1}], "option": {"template_version": 1}}
    refused(configured, ordinary, 4004, "template_version", path="/v1/sent")


def test_zero_values_of_typed_clients_mean_none(configured: Api) -> None:
    zeros = {"template_version": 0, "black_id": 0, "white_id": 0, "priority": 0, "sendno": ""}
    body = message(option=zeros, rule_id=0, callback={"url": "", "params": {}})
    sent = stored(configured, configured.send(body))
    assert (sent.black_id, sent.white_id, sent.priority.value) == (None, None, 2)
    plain = {"aud_userid": ["u"], "msg_sms": [{"temp_id": 1}], "template_id": 0, "option": zeros}
    assert configured.send(plain, path="/v1/sent").status == 200


def test_of_several_faults_the_first_in_the_documented_order_is_answered(configured: Api) -> None:
    switch = f"access-channels/{KEY}/channels/sms1"
    made = {"channel_key": KEY, "name": "push", "steps": [{"channels": ["app"]}]}
    assert configured.admin("POST", "strategies", made).json["rule_id"] == 2
    configured.admin("PUT", switch, {"enabled": False})
    for code, element in ((1015095, {}), (1015007, {"temp_id": 1})):
        refused(configured, {"aud_userid": ["u"], "msg_sms": [element]}, code, path="/v1/sent")
    body = message(
        option={"black_id": 99, "sendno": 1},
        template_id=9,
        rule_id=9,
        app_para=...,
        template_para={},
    )
    for code, mended in (
        (4004, {"option": {"black_id": 99}}),
        (1015046, {"option": {}}),
        (1015031, {"template_id": 1}),
        (1015084, {"app_para": {"platform": "all"}}),
        (1015026, {"rule_id": 1}),
        (1015026, {"rule_id": 2}),
        (1015073, {}),
        (1019001, {"rule_id": 1}),
        (4004, {"template_para": {"name": "Li"}}),
    ):
        refused(configured, body, code)
        body |= mended
        if code == 1015073:
            configured.admin("PUT", switch, {"enabled": True})
    assert configured.send(body).code == 0


def test_another_access_channels_template_does_not_exist(configured: Api) -> None:
    refused(configured, message(), 1015031, auth=OTHER)


def test_a_strategy_that_does_not_exist(configured: Api) -> None:
    refused(configured, message(rule_id=9), 1015026, "rule_id")


def test_black_and_white_list_exclude_each_other(configured: Api) -> None:
    refused(
        configured, message(option={"black_id": 1, "white_id": 1}), 1015097, "black_id", "white_id"
    )
    assert configured.send(message(option={"black_id": 5})).code == 0
    assert configured.send(message(option={"white_id": 9})).code == 0


@pytest.mark.parametrize("path", ["/v1/template/sent", "/v1/sent"])
def test_a_template_message_carries_no_content(configured: Api, path: str) -> None:
    refused(configured, message(msg_sms=[{"temp_id": 1}]), 1015094, "msg_sms", path=path)


def test_an_unknown_path_or_method_is_answered_in_the_usual_shape(api: Api) -> None:
    """A REST API answers by itself: infra/template/rest_api.py, checked on the template."""
    for method, path in (("POST", "/v1/nothing"), ("DELETE", "/v1/template/sent")):
        answer = api(method, path, {})
        if api.is_rest:
            assert answer.status in (403, 405)
        else:
            assert (answer.status, answer.code) == (404, 4004)


def test_who_finds_no_free_id_is_told_to_try_again(configured: Api) -> None:
    configured.fake.fail(Conflict("a message with this id exists"), "messages.create")
    answered = configured.send(message())
    assert (answered.status, answered.code) == (503, 5000)
