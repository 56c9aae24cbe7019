"""Rules and errors of WeChat's messages.

Sources: developers.weixin.qq.com/doc/service/api/notify/ (api_sendtemplatemessage,
api_sendnewsubscribemsg), …/miniprogram/…/subscribe-message/api_sendmessage with its rules of
values, and the global return codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from infra.sandbox import access_tokens
from infra.sandbox.accounts import Account
from infra.sandbox.calllog import Result
from infra.sandbox.vendor import Refusal

RID = " rid: 65000000-00000000-00000000"

TEXTS: Mapping[int, str] = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40003: "invalid openid",
    40013: "invalid appid",
    40014: "invalid access_token",
    40037: "invalid template_id",
    40125: "invalid appsecret",
    41001: "access_token missing",
    41030: "invalid page",
    42001: "access_token expired",
    43004: "require subscribe",
    43101: "user refuse to accept the msg",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    47001: "data format error",
    47003: "argument invalid!",
    61003: "component is not authorized by this account",
    61006: "component ticket is invalid",
    61009: "code is invalid",
    61010: "code is expired",
    61011: "invalid component",
    61023: "refresh_token is invalid",
    200012: "private template count overlimit",
    200014: "invalid template tid",
    200017: "invalid limit",
    200019: "invalid category ids",
    200020: "invalid kidList",
    200021: "invalid sceneDesc",
}

OPENID = re.compile(r"[A-Za-z0-9_-]{1,64}")
PAGE_CHARACTERS = 1024

# Limits of the values of subscriptions, by the start of their key: characters, and a pattern.
VALUES: Mapping[str, tuple[int, str]] = {
    "thing": (20, ".+"),
    "number": (32, r"-?[0-9]+(\.[0-9]+)?"),
    "letter": (32, "[A-Za-z]+"),
    "symbol": (5, ".+"),
    "character_string": (32, "[ -~]+"),
    "phone_number": (17, "[0-9 ()+-]+"),
    "car_number": (8, ".+"),
    "name": (20, ".+"),
    "phrase": (5, ".+"),
}


def error(
    code: int,
    detail: str = "",
    *,
    result: Result = Result.REFUSED,
    headers: Mapping[str, str] | None = None,
) -> Refusal:
    return access_tokens.error(
        code, f"{TEXTS[code]}{' ' + detail if detail else ''}{RID}", result=result, headers=headers
    )


def busy(seconds: int) -> Refusal:
    """`Retry-After` is not documented."""
    return error(45011, result=Result.THROTTLED, headers={"Retry-After": str(seconds)})


def check(
    body: Any, account: Account, known: list[str] | None = None, *, subscription: bool
) -> str:
    """Return the openid of a valid message. Raises Refusal.

    `known` are the fields of a template that the account has registered.
    """
    if not isinstance(body, dict):
        raise error(47001)
    openid, data = body.get("touser"), body.get("data")
    if not isinstance(openid, str) or not OPENID.fullmatch(openid):
        raise error(40003)
    fields = _fields(account, body.get("template_id")) if known is None else known
    if not isinstance(data, dict) or not all(isinstance(entry, dict) for entry in data.values()):
        raise error(47001)
    for name in fields or data:
        _check_value(name, data.get(name, {}).get("value"), subscription=subscription)
    if len(str(body.get("page") or "")) > PAGE_CHARACTERS:
        raise error(41030)
    return openid


def _fields(account: Account, template_id: Any) -> list[str]:
    """Return the value names of a template.

    `templates` looks like `tpl1:thing1,amount2 tpl2:first`. Without `templates`, every template
    exists and takes any values.
    """
    if not isinstance(template_id, str) or not template_id:
        raise error(40037)
    if account.templates is None:
        return []
    known = dict(template.partition(":")[::2] for template in account.templates.split())
    if template_id not in known:
        raise error(40037)
    return [name for name in known[template_id].split(",") if name]


def _check_value(name: str, value: Any, *, subscription: bool) -> None:
    """Check a value. A template message may leave it empty, a subscription may not."""
    if not isinstance(value, str):
        raise error(47003, f"data.{name}.value is empty")
    if not subscription:
        return
    limit, form = VALUES.get(name.rstrip("0123456789"), (2000, ".+"))
    if not value or len(value) > limit or not re.fullmatch(form, value, re.DOTALL):
        raise error(47003, f"data.{name}.value invalid")
