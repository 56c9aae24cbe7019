"""Numbers that people read keep the form in which they were written, whatever carries them."""

from __future__ import annotations

import pytest

from chalicelib.domain.templates import Content
from tests.entrypoints.conftest import KEY, OPERATOR, Api
from tests.entrypoints.http.ums.sends import stored

ELEMENT = '{"temp_id": 1, "temp_para": {"price": 100.00, "n": 1E+3, "code": 7}}'
VALUES = {"price": "100.00", "n": "1E+3", "code": 7}


def test_of_an_ordinary_message(configured: Api) -> None:
    raw = f'{{"aud_userid": ["user1"], "msg_sms": [{ELEMENT}]}}'.encode()
    sent = stored(configured, configured.send(raw=raw, path="/v1/sent"))
    assert sent.contents["sms1"]["temp_para"] == VALUES


@pytest.mark.parametrize("contents", [ELEMENT, f"[{ELEMENT}]"])
def test_of_a_template(configured: Api, contents: str) -> None:
    raw = f'{{"channel_key": "{KEY}", "name": "t", "contents": {{"sms": {contents}}}}}'.encode()
    made = configured.admin("POST", "templates", raw=raw, auth=OPERATOR).json
    shown: Content | list[Content] = made["contents"]["sms"]
    (element,) = shown if isinstance(shown, list) else [shown]
    assert element["temp_para"] == VALUES


def test_values_of_wechat_too(configured: Api) -> None:
    account = {"app_id": "wx0123456789abcdef", "app_secret": "0" * 32}
    made = {"code": "oa1", "name": "oa", "type": "wechatoa", "platform": "wechatoa"}
    reply = configured.admin("POST", "channels", {**made, "credentials": account})
    assert reply.status == 201, reply.body
    configured.admin("PUT", f"access-channels/{KEY}/channels/oa1", {"enabled": True})
    raw = (
        b'{"aud_userid": ["user1"], "msg_wechatoa":'
        b' [{"template_id": "t", "data": {"first": {"value": 100.00}}}]}'
    )
    sent = stored(configured, configured.send(raw=raw, path="/v1/sent"))
    assert sent.contents["oa1"]["data"] == {"first": {"value": "100.00"}}
