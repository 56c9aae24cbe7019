"""Ordinary messages of UMS."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from tests.entrypoints.conftest import KEY, Api
from tests.entrypoints.http.ums.sends import ANDROID, SMS, ordinary, refused, stored


def test_the_contents_decide_the_channels(configured: Api) -> None:
    found = stored(configured, configured.send(ordinary(msg_app=[ANDROID]), path="/v1/sent"))
    assert set(found.strategy.channels) == {ChannelType.APP, ChannelType.SMS}
    assert found.contents["sms1"] == SMS


def test_a_strategy_has_the_channels_of_the_message(configured: Api) -> None:
    assert configured.send(ordinary(msg_app=[ANDROID], rule_id=1), path="/v1/sent").code == 0
    reply = configured.send(ordinary(rule_id=1), path="/v1/sent")
    assert (reply.status, reply.code) == (400, 1019001)


def test_braces_mean_nothing(configured: Api) -> None:
    body = ordinary(
        msg_sms=..., msg_app=[{"platform": "all", "notification": {"alert": "{{name}}"}}]
    )
    found = stored(configured, configured.send(body, path="/v1/sent"))
    assert found.contents["app1"]["notification"] == {"alert": "{{name}}"}
    assert found.call_sizes["app1"] > 1


LONG = "{{" + "x" * 2045 + "}}"


def test_braces_do_not_hide_what_is_too_long_or_no_address(configured: Api) -> None:
    for field, elements in (
        ("msg_wechatwk[0].text.content", [{"msgtype": "text", "text": {"content": LONG}}]),
        (
            "msg_wechatoa[0].url",
            [{"template_id": "t", "data": {"first": {"value": "x"}}, "url": "{{url}}"}],
        ),
        ("msg_email[0].files[0]", [{"subject": "s", "text": "t", "files": ["{{file}}"]}]),
    ):
        refused(
            configured, ordinary(**{"msg_sms": ..., field.partition("[")[0]: elements}), 4004, field
        )


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"msg_sms": ...}, 4004, "msg_"),
        ({"msg_sms": []}, 4004, "msg_sms"),
        ({"msg_sms": [SMS] * 11}, 4004, "msg_sms"),
        ({"msg_sms": SMS}, 4004, "msg_sms"),
        ({"msg_sms": ["x"]}, 4004, "msg_sms[0]"),
        ({"msg_sms": None}, 4004, "msg_"),
        ({"msg_sms": [{"temp_id": "x"}]}, 1015095, "msg_sms[0].temp_id"),
        ({"msg_sms": [{}]}, 1015095, "msg_sms[0].temp_id"),
        ({"msg_sms": [{**SMS, "x": 1}]}, 4004, "msg_sms[0].x"),
        ({"msg_fax": [{}]}, 4004, "msg_fax"),
        ({"msg_wechatwk_linkedcorp": [{}]}, 4004, "msg_wechatwk_linkedcorp"),
        ({"app_para": {}}, 4004, "app_para"),
        ({"msg_app": [{"notification": {"alert": "x"}}]}, 1015084, "msg_app[0].platform"),
        ({"msg_app": [{"platform": "amiga"}]}, 1015085, "msg_app[0].platform"),
        ({"msg_app": [{"platform": "all"}]}, 4004, "msg_app[0].alert"),
        ({"msg_app": [ANDROID, ANDROID]}, 1015085, "msg_app[1].platform"),
        ({"msg_email": [{"subject": "s", "text": "t"}]}, 1015010, "email"),
        ({"template_id": 1}, 1015094, "msg_sms"),
        ({"callback": {"url": "https://[::1"}}, 4004, "callback.url"),
        ({"callback": {"url": "https://" + "x" * 2041}}, 4004, "callback.url"),
        ({"callback": {"url": "https://"}}, 4004, "callback.url"),
    ],
)
def test_what_is_wrong_is_named(
    configured: Api, changes: dict[str, Any], code: int, field: str
) -> None:
    refused(configured, ordinary(**changes), code, field)


@pytest.mark.parametrize(
    "url", ["https://x.cn:443/", "http://x.cn:80/a?b=c", "https://" + "x" * 2040]
)
def test_callback_addresses_are_kept_where_callbacks_are_off(configured: Api, url: str) -> None:
    assert stored(
        configured, configured.send(ordinary(callback={"url": url}), path="/v1/sent")
    ).callback == {"url": url}


def test_each_of_ten_elements_that_the_platform_takes_is_sent(configured: Api) -> None:
    elements = [{**SMS, "temp_id": n} for n in range(1, 11)]
    message = stored(configured, configured.send(ordinary(msg_sms=elements), path="/v1/sent"))
    codes = ["sms1", *(f"sms1-{n}" for n in range(2, 11))]
    assert [message.contents[code] for code in codes] == elements
    assert set(message.channels) == set(message.call_sizes) == set(codes)


def test_an_element_for_another_platform_is_an_alternative(configured: Api) -> None:
    elements = [{"content": "Hello"}, SMS]
    message = stored(configured, configured.send(ordinary(msg_sms=elements), path="/v1/sent"))
    assert message.contents == {"sms1": SMS}


def test_a_type_without_channel_is_not_authorised(configured: Api) -> None:
    assert (
        configured.admin("PUT", f"access-channels/{KEY}/channels/sms1", {"enabled": False}).status
        == 200
    )
    refused(configured, ordinary(), 1015007)


def test_empty_lists_and_zeros_of_typed_clients_mean_none(configured: Api) -> None:
    nothing = {name: [] for name in ("aud_tag", "aud_segment", "aud_sms", "msg_app", "msg_email")}
    sms = {"sign_id": 0, "temp_id": 1, "temp_para": {}}
    sent = stored(configured, configured.send(ordinary(**nothing, msg_sms=[sms]), path="/v1/sent"))
    assert (set(sent.channels), sent.userids) == ({"sms1"}, ("user1",))
    configured.fake.log.clear()
    refused(configured, ordinary(msg_sms=[]), 4004, "msg_xxx")
    refused(configured, ordinary(aud_userid=..., aud_tag=[]), 4004, "aud_")
