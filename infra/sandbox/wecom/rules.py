"""Rules and errors of WeCom's messages. WeCom cuts most texts that are too long.

Sources: https://developer.work.weixin.qq.com/document/path/90236 (application), …/path/90250
(linked corporations), …/path/90313 (codes).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from infra.sandbox import access_tokens
from infra.sandbox.calllog import Result
from infra.sandbox.vendor import Refusal

MAX_USERS = 1000
MAX_INTERVAL = 14400
HINT = (
    ", hint: [1700000000000000000000001], from ip: 127.0.0.1, more info at"
    " https://open.work.weixin.qq.com/devtool/query?e="
)

TEXTS: Mapping[int, str] = {
    -1: "system busy",
    40001: "invalid credential",
    40008: "invalid message type",
    40013: "invalid corpid",
    40014: "invalid access_token",
    40032: "invalid user list size",
    40056: "invalid agentid",
    40058: "Invalid Request Parameter",
    40074: "news message cannot be safe",
    41001: "access_token missing",
    41011: "missing agentid",
    42001: "access_token expired",
    44004: "empty content",
    45002: "content size out of limit",
    45008: "article count out of limit",
    45009: "api freq out of limit",
    47001: "data format error",
    81013: "user & party & tag all invalid",
}

MEDIA = ("image", "voice", "video", "file")
KINDS = ("text", *MEDIA, "textcard", "news", "mpnews", "markdown", "miniprogram_notice")
CARDS = (
    "text_notice",
    "news_notice",
    "button_interaction",
    "vote_interaction",
    "multiple_interaction",
)
TASK_ID = re.compile(r"[0-9A-Za-z_@-]{1,128}")
USERID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")


def error(
    code: int, *, result: Result = Result.REFUSED, headers: Mapping[str, str] | None = None
) -> Refusal:
    return access_tokens.error(code, f"{TEXTS[code]}{HINT}{code}", result=result, headers=headers)


def busy(seconds: int) -> Refusal:
    """`Retry-After` is not documented."""
    return error(45009, result=Result.THROTTLED, headers={"Retry-After": str(seconds)})


def check(body: Any, agent_id: str | None, *, linked: bool) -> Sequence[str]:
    """Return the users of a valid message. Raises Refusal."""
    if not isinstance(body, dict):
        raise error(47001)
    if body.get("agentid") is None:
        raise error(41011)
    if not isinstance(body["agentid"], int) or (
        agent_id is not None and str(body["agentid"]) != agent_id
    ):
        raise error(40056)
    _check_message(body, linked=linked)
    users = body.get("touser")
    if not linked:
        users = users.split("|") if isinstance(users, str) else None
    if not isinstance(users, list) or not all(isinstance(user, str) for user in users):
        raise error(40058)
    if len(users) > MAX_USERS:
        raise error(40032)
    return users


def _check_message(body: Mapping[str, Any], *, linked: bool) -> None:
    kind = body.get("msgtype")
    if kind not in KINDS and (linked or kind != "template_card"):
        raise error(40008)
    message = body.get(str(kind))
    if not isinstance(message, dict):
        raise error(40058)
    _check_safe(str(kind), str(body.get("safe") or 0))
    if kind in ("text", "markdown"):
        if not message.get("content"):
            raise error(44004)
    elif kind in MEDIA:
        _need(message, "media_id")
    elif kind in ("news", "mpnews"):
        _check_articles(message)
    elif kind == "textcard":
        _need(message, "title", "description", "url")
        if len(message["url"].encode()) > 2048:
            raise error(45002)
    elif kind == "miniprogram_notice":
        _need(message, "appid", "title")
    else:
        _check_card(message)


def _check_safe(kind: str, safe: str) -> None:
    """Refuse news that must not be shared. Only mpnews may stay within the corporation (2)."""
    if kind == "news" and safe != "0":
        raise error(40074)
    if safe not in ("0", "1") and (kind, safe) != ("mpnews", "2"):
        raise error(40058)


def _check_articles(message: Mapping[str, Any]) -> None:
    articles = message.get("articles")
    if not isinstance(articles, list) or not articles:
        raise error(40058)
    if len(articles) > 8:
        raise error(45008)
    for article in articles:
        _need(article if isinstance(article, dict) else {}, "title")


def _check_card(message: Mapping[str, Any]) -> None:
    if message.get("card_type") not in CARDS:
        raise error(40058)
    has_task = message["card_type"] not in CARDS[:2] or message.get("task_id") is not None
    if has_task and not TASK_ID.fullmatch(str(message.get("task_id", ""))):
        raise error(40058)
    if len(message.get("button_list") or ()) > 6:
        raise error(40058)


def _need(message: Mapping[str, Any], *names: str) -> None:
    if not all(isinstance(message.get(name), str) and message[name] for name in names):
        raise error(40058)
