"""Messages as people see them: the providers' formats, reduced to the parts of a screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.sandbox.calllog import Arrival
from infra.sandbox.smtp.server import readable

TEXT = 100_000  # characters of a text that a screen shows
ROWS = 50

Screen = dict[str, Any]


def shown(arrival: Arrival) -> dict[str, Any]:
    """Return a message as the inbox of all contacts shows it."""
    message = arrival.message
    return {
        "number": arrival.number,
        "provider": arrival.provider,
        "type": message.kind,
        "contact": arrival.contact,
        "time": message.time,
        "provider_id": message.provider_id,
        "screen": screen(message.kind, message.content),
    }


def screen(kind: str, content: Any) -> Screen:
    """Return the parts of a screen. A part that the message lacks is empty."""
    if isinstance(content, bytes):
        parts = _mail(content)
    else:
        body = content if isinstance(content, Mapping) else {"text": content}
        parts = SCREENS.get(kind, _enterprise)(body)
    texts = {name: str(value or "")[:TEXT] for name, value in parts.items() if name not in LISTS}
    rows = [[str(name), str(value)[:TEXT]] for name, value in parts.get("rows", ())][:ROWS]
    files = [str(name or "")[:256] for name in parts.get("files", ())][:ROWS]
    return {**EMPTY, **texts, "rows": rows, "files": files}


LISTS = ("rows", "files")
EMPTY = dict.fromkeys(("title", "text", "html", "link", "template", "sender"), "")


def _mail(content: bytes) -> Screen:
    mail = readable(content)
    return {
        "title": mail["subject"],
        "sender": mail["from"],
        "text": mail["plain"],
        "html": mail["html"],
        "files": [file["name"] for file in mail["files"]],
    }


def _push(body: Mapping[str, Any]) -> Screen:
    notification, message = _object(body.get("notification")), _object(body.get("message"))
    alerts: list[Any] = [_object(notification.get(system)) for system in ("android", "ios")]
    title = next((each.get("title") for each in alerts if each.get("title")), "")
    texts = [*(each.get("alert") for each in alerts), notification.get("alert")]
    alert = next((text for text in texts if text), message.get("msg_content", ""))
    if isinstance(alert, Mapping):
        title, alert = title or alert.get("title", ""), alert.get("body", "")
    return {"title": title or message.get("title", ""), "text": alert}


def _sms(body: Mapping[str, Any]) -> Screen:
    values = _object(body.get("temp_para")).items()
    text = body.get("content") or body.get("msg")
    return {"text": text, "template": body.get("temp_id"), "rows": values}


def _wechat(body: Mapping[str, Any]) -> Screen:
    program = _object(body.get("miniprogram"))
    link = body.get("url") or body.get("page") or program.get("pagepath")
    return {
        "template": body.get("template_id"),
        "rows": _values(_object(body.get("data"))),
        "link": link,
    }


def _alipay(body: Mapping[str, Any]) -> Screen:
    context = _object(body.get("context"))
    return {
        "template": body.get("template_id"),
        "rows": _values(context),
        "link": context.get("url"),
    }


def _enterprise(body: Mapping[str, Any]) -> Screen:
    """Read a message of DingTalk or WeCom: a text, a card, or an article."""
    inner = _object(body.get(str(body.get("msgtype"))))
    articles = inner.get("articles")
    if isinstance(articles, list) and articles:
        inner = _object(articles[0])
    head, page = _object(inner.get("head")), _object(inner.get("body"))
    texts = (inner.get(name) for name in ("content", "text", "description", "markdown", "digest"))
    links = ("url", "messageUrl", "message_url", "single_url", "content_source_url")
    media = inner.get("media_id")
    return {
        "title": inner.get("title") or page.get("title") or head.get("text"),
        "text": next((text for text in texts if text), page.get("content", "")),
        "link": next((inner[name] for name in links if inner.get(name)), ""),
        "files": [media] if media else [],
    }


def _values(data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value["value"]) for name, value in data.items() if _object(value).get("value")]


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


SCREENS: Mapping[str, Callable[[Mapping[str, Any]], Screen]] = {
    "app": _push,
    "sms": _sms,
    "wechatoa": _wechat,
    "wechatmp": _wechat,
    "alipay_life": _alipay,
}
