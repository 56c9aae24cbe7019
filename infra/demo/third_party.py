"""Templates and signatures that the demo's accounts have at their providers, kept by OpenUMS."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from infra.demo.client import TIMEOUT, Failed, Shop

# Templates on the providers' own pages: channel type, id, sort, title and text.
PAGES = (
    ("wechatoa", "tpl1", "message", "Greeting", "{{first.DATA}}"),
    (
        "wechatoa",
        "sent",
        "notice",
        "订单发货通知",
        "订单号:{{character_string1.DATA}}\n物品:{{thing2.DATA}}\n",
    ),
    ("wechatmp", "tpl1", "notice", "提醒", "内容:{{thing1.DATA}}\n"),
)
ENTERED = {"id": "tpl1", "title": "Greeting", "text": "{{keyword1.DATA}}"}
CODE = {"text": "您的验证码是{{code}}，2分钟内有效。", "category": "verification", "seconds": 120}
NOTICE = {"text": "您的订单{{order}}已发货。", "category": "notice"}
SIGNATURE = {"text": "极光推送", "type": 1}


def prepare(shop: Shop) -> None:
    """Register what each account has, and let OpenUMS keep it."""
    for kind, id, sort, title, text in PAGES:
        if kind in shop.channels:
            added = {"id": id, "kind": sort, "title": title, "content": text}
            shop.sandbox.console("wechat", "template", app_id=shop.code(kind), **added)
    for kind in ("wechatoa", "wechatmp"):
        if kind in shop.channels:
            asked(shop, kind, "templates/refresh")
    if "alipay_life" in shop.channels:
        asked(shop, "alipay_life", "templates/import", ENTERED)
    if "sms" in shop.channels:
        text = asked(shop, "sms", "templates", CODE)
        signature = asked(shop, "sms", "signatures", SIGNATURE)
        decide(shop, temp_id=int(text), status=1)
        decide(shop, sign_id=int(signature), status=1)
        asked(shop, "sms", "templates", NOTICE)
        asked(shop, "sms", "templates/refresh")


def decide(shop: Shop, **decision: Any) -> None:
    """Decide as the provider's reviewers of texts and signatures do."""
    shop.sandbox.console("jsms", "review", app_key=shop.accounts["sms"]["app_key"], **decision)


def asked(shop: Shop, kind: str, path: str, body: Any = None, method: str = "POST") -> str:
    """Ask the provider of a channel, and return the id of what it made. Raise Failed otherwise."""
    answer = answer_of(shop, kind, path, body, method)
    if answer["status"] != "ok":
        raise Failed(f"{path}: {answer['status']} {answer['code']}")
    return str(answer["made"] or "")


def answer_of(
    shop: Shop, kind: str, path: str, body: Any = None, method: str = "POST"
) -> Mapping[str, Any]:
    """Ask the provider of a channel, and return its answer, also if that is late."""
    full = f"/admin/v1/channels/{shop.code(kind)}/{path}"
    answer, until = shop.admin.ask(method, full, body), time.monotonic() + TIMEOUT
    while answer["status"] == "pending" and time.monotonic() < until:
        time.sleep(0.3)
        answer = shop.admin.ask("GET", f"/admin/v1/checks/{answer['check_id']}")
    return answer
