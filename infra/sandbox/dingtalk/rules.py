"""Rules and errors of DingTalk's work notices.

Sources: https://developer.alibaba.com/docs/api.htm?apiId=37692 (sending), …?apiId=37024 (results),
https://open.dingtalk.com/document/orgapp/server-api-error-codes-1 (error codes).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from infra.sandbox import access_tokens
from infra.sandbox.calllog import Result
from infra.sandbox.vendor import Refusal

MAX_USERS = 100

TEXTS: Mapping[int, str] = {
    -1: "系统繁忙",
    22: "Invalid method",
    40: "Missing required arguments",
    41: "Invalid arguments",
    40008: "不合法的消息类型",
    40014: "不合法的access_token",
    40035: "不合法的参数",
    40056: "不合法的agentid",
    40089: "不合法的corpid或corpsecret",
    41001: "缺少access_token参数",
    42001: "access_token超时",
    44004: "文本消息内容为空",
    47001: "解析JSON/XML内容错误",
    90018: "您的服务器调用钉钉开放平台当前接口的所有请求都被暂时禁用了",
}
REPEATED = "143106"  # the same notice to the same user twice on a day

NEEDED: Mapping[str, Sequence[str]] = {
    "text": ("content",),
    "image": ("media_id",),
    "voice": ("media_id", "duration"),
    "file": ("media_id",),
    "link": ("messageUrl", "picUrl", "title", "text"),
    "oa": ("message_url", "body"),
    "markdown": ("title", "text"),
    "action_card": ("title", "markdown"),
}
LENGTHS = {("action_card", "single_title"): 20, ("action_card", "single_url"): 500}


def error(
    code: int, *, result: Result = Result.REFUSED, headers: Mapping[str, str] | None = None
) -> Refusal:
    """Build a refusal. The gateway's errors (tokens, throttling) are 88, beside their code."""
    common: dict[str, Any] = {"request_id": secrets.token_hex(6)}
    if code in (40014, 42001, 41001, 90018):
        refusal = access_tokens.error(
            88,
            f"ding talk error[subcode={code},submsg={TEXTS[code]}]",
            result=result,
            headers=headers,
        )
        refusal.body = {**refusal.body, "sub_code": str(code), "sub_msg": TEXTS[code], **common}
        refusal.code = code
        return refusal
    return access_tokens.error(code, TEXTS[code], result=result, headers=headers, **common)


def busy(seconds: int) -> Refusal:
    """`Retry-After` is not documented."""
    return error(90018, result=Result.THROTTLED, headers={"Retry-After": str(seconds)})


def check(body: Any, agent_id: str | None) -> Sequence[str]:
    """Return the users of a valid notice. Raises Refusal."""
    if not isinstance(body, dict):
        raise error(47001)
    check_agent(body, agent_id)
    _check_message(body.get("msg"))
    listed = body.get("userid_list")
    users = listed.split(",") if isinstance(listed, str) and listed else []
    if not users:
        raise error(40)
    if len(users) > MAX_USERS:
        raise error(40035)
    return users


def check_agent(body: Mapping[str, Any], agent_id: str | None) -> None:
    if body.get("agent_id") is None:
        raise error(40)
    if not isinstance(body["agent_id"], int) or (
        agent_id is not None and str(body["agent_id"]) != agent_id
    ):
        raise error(40056)


def _check_message(msg: Any) -> None:
    if not isinstance(msg, dict):
        raise error(40)
    kind = str(msg.get("msgtype"))
    if kind not in NEEDED:
        raise error(40008)
    fields = msg.get(kind)
    if not isinstance(fields, dict):
        raise error(41)
    if kind == "text" and not fields.get("content"):
        raise error(44004)
    if not all(fields.get(name) for name in NEEDED[kind]):
        raise error(41)
    for (of_kind, name), most in LENGTHS.items():
        if kind == of_kind and len(str(fields.get(name) or "")) > most:
            raise error(41)
