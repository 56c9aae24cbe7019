"""Rules, errors and pushes of Chuanglan.

Sources: https://doc.chuanglan.com (texts, pushes), API 1.4 and return codes under
https://apifox.com/apidoc/docs-site/473703. Code 130 comes from an older edition.
The state for a number that does not exist is China Mobile's.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from infra.sandbox.accounts import Account, Event
from infra.sandbox.calllog import Result
from infra.sandbox.outbox import Parcel
from infra.sandbox.vendor import Refusal

MAX_NUMBERS, MAX_CHARACTERS, MAX_COUNT = 1000, 536, 100
VARIABLE = "{$var}"

CODES: Mapping[int, str] = {
    101: "无此用户",
    102: "密码错",
    103: "提交过快",
    104: "系统忙",
    106: "消息长度错",
    107: "包含错误的手机号码",
    108: "手机号码个数错",
    116: "签名不合法,未带签名",
    130: "请求参数错误",
}
STATES: Mapping[str, str] = {"DELIVRD": "短信发送成功", "UNDELIV": "不可及", "CB:0001": "空号"}

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_SIGNED = re.compile(r"【[^【】]{2,16}】.+", re.DOTALL)


def error(code: int, *, result: Result = Result.REFUSED) -> Refusal:
    body = {"code": str(code), "msgId": "", "time": _clock("%Y%m%d%H%M%S"), "errorMsg": CODES[code]}
    return Refusal(200, code, body, result=result)


def _clock(form: str, at: float | None = None) -> str:
    """Format a time on China's clock, by default now."""
    return time.strftime(form, time.gmtime((time.time() if at is None else at) + 8 * 3600))


def answer(msg_id: str, numbers: int) -> Mapping[str, str]:
    return {
        "code": "0",
        "msgId": msg_id,
        "time": _clock("%Y%m%d%H%M%S"),
        "errorMsg": "",
        "failNum": "0",
        "successNum": str(numbers),
    }


def same(body: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Return number and text of the messages of `send/json`. Raises Refusal."""
    phone = body.get("phone")
    if not isinstance(phone, str) or not phone:
        raise error(108)
    return _checked([(number, _text(body)) for number in phone.split(",")])


def variable(body: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Return number and text of the messages of `variable/json`.

    The values of a number replace the `{$var}` of the text in sequence. Raises Refusal.
    """
    text, parameters = _text(body), body.get("params")
    if not isinstance(parameters, str) or not parameters:
        raise error(130)
    messages = []
    for group in parameters.rstrip(";").split(";"):
        number, *values = group.split(",")
        if len(values) != text.count(VARIABLE):
            raise error(130)
        filled = text
        for value in values:
            filled = filled.replace(VARIABLE, value, 1)
        messages.append((number, filled))
    return _checked(messages)


def _text(body: Mapping[str, Any]) -> str:
    text = body.get("msg")
    if not isinstance(text, str) or not text:
        raise error(106)
    return text


def _checked(messages: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    if len(messages) > MAX_NUMBERS:
        raise error(108)
    if not all(_MOBILE.fullmatch(number) for number, _ in messages):
        raise error(107)
    if any(len(text) > MAX_CHARACTERS for _, text in messages):
        raise error(106)
    if not all(_SIGNED.fullmatch(text) for _, text in messages):
        raise error(116)
    return messages


def report(msg_id: str, mobile: str, status: str, at: float) -> Event:
    return {
        "receiver": "",
        "pswd": "",
        "msgid": msg_id,
        "reportTime": _clock("%y%m%d%H%M", at),
        "mobile": mobile,
        "status": status,
        "notifyTime": _clock("%y%m%d%H%M%S", at),
        "statusDesc": STATES[status],
        "length": "1",
        "uid": "",
    }


def reply(mobile: str, text: str) -> Event:
    return {
        "receiver": "",
        "pswd": "",
        "moTime": _clock("%y%m%d%H%M"),
        "mobile": mobile,
        "msg": text,
        "destcode": "10690",
        "isems": "0",
    }


def parcel(account: Account, events: Sequence[Event]) -> Parcel:
    """Build a GET with one report or reply, the only batch size of this vendor."""
    (event,) = events
    url = str(account.webhook_url)
    url += ("&" if "?" in url else "?") + urlencode(event)
    return Parcel(account.provider, url, method="GET", expected={"clcode": "000000"})
