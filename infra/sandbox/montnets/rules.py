"""Rules, errors and pushes of Montnets.

Source: "梦网平台 API 接口说明" V5.7.2, and V5.2 for the calls in GBK.
"""

from __future__ import annotations

import calendar
import hashlib
import hmac
import itertools
import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlencode

from infra.sandbox.accounts import Account, Event
from infra.sandbox.calllog import Result
from infra.sandbox.outbox import Parcel
from infra.sandbox.vendor import Refusal

MAX_NUMBERS, MAX_REPORTS, MAX_REPLIES = 1000, 500, 200
PART = 17179869184  # from one part of a long text to the next
TOLERANCE = 1800  # seconds that a timestamp may be off: the document does not say how many

CODES: Mapping[int, str] = {
    100001: "鉴权不通过",
    100011: "短信内容超长",
    100012: "手机号码不合法",
    100014: "手机号码超过最大支持数量",
    100056: "用户账号登录的连接数超限",
    100093: "Json 报文解析异常",
    100106: "短信内容字段不存在或为空",
    100999: "平台数据库内部错误",
}
STATES: Mapping[str, tuple[int, str]] = {
    "DELIVRD": (0, "success"),
    "UNDELIV": (1, "不可及"),
    "CB:0001": (1, "空号"),
}

_NUMBER = re.compile(r"(?!1[0-2][0-9]{9}$)[0-9]{5,20}")
_sequence = itertools.count(1)


@dataclass(frozen=True)
class Interface:
    """The limits of a call: charset and length of its texts, and the number of different texts."""

    charset: str
    characters: int
    several: int


INTERFACES: Mapping[str, Interface] = {
    "send_batch": Interface("utf-8", 1000, 500),
    "send_multi": Interface("utf-8", 1000, 500),
    "batch_send": Interface("gb18030", 350, 100),
    "multi_send": Interface("gb18030", 350, 100),
}


def error(code: int, *, result: Result = Result.REFUSED) -> Refusal:
    body = {"result": -code, "desc": quote(CODES[code]), "msgid": 0, "custid": ""}
    return Refusal(200, code, body, result=result)


def digest(userid: str, password: str, stamp: str) -> str:
    return hashlib.md5(
        f"{userid.upper()}00000000{password}{stamp}".encode(), usedforsecurity=False
    ).hexdigest()


def _clock(form: str, at: float | None = None) -> str:
    """Format a time on China's clock, by default now."""
    return time.strftime(form, time.gmtime((time.time() if at is None else at) + 8 * 3600))


def is_authentic(body: Mapping[str, Any], password: str | None) -> bool:
    """Accept a digest with the current time, or the password itself.

    Any password is right until one is registered.
    """
    userid, secret, stamp = (body.get(name) for name in ("userid", "pwd", "timestamp"))
    if not isinstance(userid, str) or not 0 < len(userid) <= 6:
        return False
    if not isinstance(secret, str) or not secret:
        return False
    if stamp is not None and not _is_now(stamp):
        return False
    if password is None:
        return True
    expected = password if stamp is None else digest(userid, password, stamp)
    return hmac.compare_digest(secret.encode(), expected.encode())


def _is_now(stamp: Any) -> bool:
    if not isinstance(stamp, str) or not re.fullmatch(r"[0-9]{10}", stamp):
        return False
    now = time.time()
    year = int(_clock("%Y"))
    return any(abs(now - _seconds(f"{y}{stamp}")) <= TOLERANCE for y in (year - 1, year, year + 1))


def _seconds(text: str) -> float:
    try:
        return calendar.timegm(time.strptime(text, "%Y%m%d%H%M%S")) - 8 * 3600
    except ValueError:
        return 0.0


def same(body: Mapping[str, Any], interface: Interface) -> Sequence[tuple[str, str]]:
    """Return number and text of the messages with one content. Raises Refusal."""
    mobile = body.get("mobile")
    if not isinstance(mobile, str) or not mobile:
        raise error(100012)
    text, numbers = _text(body, interface), mobile.split(",")
    if len(numbers) > MAX_NUMBERS:
        raise error(100014)
    return _checked([(number, text) for number in numbers])


def several(body: Mapping[str, Any], interface: Interface) -> Sequence[tuple[str, str]]:
    listed = body.get("multimt")
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise error(100093)
    if not 0 < len(listed) <= interface.several:
        raise error(100014)
    return _checked([(str(entry.get("mobile", "")), _text(entry, interface)) for entry in listed])


def _checked(messages: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """Refuse a malformed number. A number that a carrier does not know is reported later."""
    if not all(_NUMBER.fullmatch(number) for number, _ in messages):
        raise error(100012)
    return messages


def _text(entry: Mapping[str, Any], interface: Interface) -> str:
    content = entry.get("content")
    if not isinstance(content, str) or not content:
        raise error(100106)
    if not content.isascii():
        raise error(100093)
    try:
        text = unquote_to_bytes(content).decode(interface.charset)
    except UnicodeDecodeError:
        raise error(100106) from None
    if len(text) > interface.characters:
        raise error(100011)
    return text


def parts(text: str) -> int:
    return 1 if len(text) <= 70 else math.ceil(len(text) / 67)


def reports(
    msgid: int, mobile: str, text: str, state: str, at: float, custid: str
) -> Sequence[Event]:
    """Build a report for every part of a text. Ids are signed 64-bit integers."""
    status, description = STATES[state]
    total = parts(text)
    moment = _clock("%Y-%m-%d %H:%M:%S", at)
    return [
        {
            "msgid": signed(msgid + part * PART),
            "custid": custid,
            "pknum": part + 1,
            "pktotal": total,
            "mobile": mobile,
            "countrycode": 86,
            "spno": "1069",
            "exno": "",
            "stime": moment,
            "rtime": moment,
            "status": status,
            "errcode": state,
            "errdesc": quote(description),
            "exdata": "",
            "smstype": "0",
            "rpttype": "1",
        }
        for part in range(total)
    ]


def signed(number: int) -> int:
    return (number + 2**63) % 2**64 - 2**63


def reply(mobile: str, text: str) -> Event:
    at = time.time()
    return {
        "msgid": signed(int(at * 1e6)),
        "mobile": mobile,
        "countrycode": 86,
        "pknum": 1,
        "pktotal": 1,
        "spno": "1069",
        "exno": "",
        "rtime": _clock("%Y-%m-%d %H:%M:%S", at),
        "content": quote(text),
    }


def parcel(account: Account, events: Sequence[Event]) -> Parcel:
    stamp, number = _clock("%m%d%H%M%S"), next(_sequence)
    command, name = ("MO", "mos") if "content" in events[0] else ("RPT", "rpts")
    form = {
        "userid": account.app_key.upper(),
        "pwd": digest(account.app_key, account.master_secret or "", stamp),
        "timestamp": stamp,
        "cmd": f"{command}_REQ",
        "seqid": number,
        name: json.dumps(events, separators=(",", ":")),
    }
    expected = {"cmd": f"{command}_RESP", "seqid": number, "result": 0}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode(form).encode()
    return Parcel(
        account.provider,
        str(account.webhook_url),
        headers=headers,
        body=body,
        holds=len(events),
        expected=expected,
    )
