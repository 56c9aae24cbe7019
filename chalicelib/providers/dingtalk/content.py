"""Content of a DingTalk work notice: `msg_dingtalk_cc` of UMS.

It is `{"msg": {"msgtype", …}}` or the short `{"text": "…"}`. A text within `msg` may be a plain
one, too: duxphp/go-jums, a public client of UMS, writes it so.

Types, fields and limits: https://open.dingtalk.com/document/orgapp/message-types-and-data-format.
Limits of that page ("at most") are checked, advised lengths are not, such as the 500 characters of
a text. Placeholders are left out of a length, since their values come later. Fields that are not
named here pass unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.domain.errors import Invalid
from chalicelib.domain.provider_io import Clickable
from chalicelib.domain.templates import placeholders, without_placeholders
from chalicelib.providers.base import check_names

Check = Callable[[Mapping[str, Any], str], None]

HEAD = 10  # characters, as all of these
BUTTON_TITLE = 20
SINGLE_URL = 500
BUTTON_URL = 700
ADDRESS = 2048
MAX_DURATION = 60  # seconds. A voice must be shorter.

# Addresses of cards, as UMS counts them, and of the two types that are shown as a card.
# Addresses of DingTalk's own (`dingtalk://…`) stay.
CLICKABLE = Clickable(
    (
        "msg.action_card.single_url",
        "msg.action_card.btn_json_list.*.action_url",
        "msg.link.messageUrl",
        "msg.oa.message_url",
        "msg.oa.pc_message_url",
    )
)

_COLOUR = re.compile(r"[0-9A-Fa-f]{8}|0x[0-9A-Fa-f]{8}")


def check(content: Mapping[str, Any]) -> None:
    """Raise Invalid naming the field of a bad content."""
    if "text" in content:
        check_names(content, ("text",), "")
        _text(content, "text", "")
        return
    check_names(content, ("msg",), "")
    msg = _object(content, "msg", "msg")
    msgtype = msg.get("msgtype")
    if not isinstance(msgtype, str) or msgtype not in CHECKS:
        raise Invalid("msg.msgtype", "must be one of {allowed}", allowed=tuple(CHECKS))
    check_names(msg, ("msgtype", msgtype), "msg")
    if _is_plain(msg):
        _text(msg, "text", "msg")
        return
    CHECKS[msgtype](_object(msg, msgtype, f"msg.{msgtype}"), f"msg.{msgtype}")


def message(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return DingTalk's own object."""
    if "text" in content:
        return {"msgtype": "text", "text": {"content": content["text"]}}
    msg: Mapping[str, Any] = content["msg"]
    return {"msgtype": "text", "text": {"content": msg["text"]}} if _is_plain(msg) else msg


def _is_plain(msg: Mapping[str, Any]) -> bool:
    return msg["msgtype"] == "text" and isinstance(msg.get("text"), str)


def _object(raw: Mapping[str, Any], key: str, name: str) -> Mapping[str, Any]:
    value = raw.get(key)
    if not isinstance(value, Mapping) or not value:
        raise Invalid(name, "is required and must be an object")
    return value


def _text(
    raw: Mapping[str, Any], key: str, path: str, most: int | None = None, *, required: bool = True
) -> str:
    value, name = raw.get(key), f"{path}.{key}" if path else key
    if value in (None, "") and not required:
        return ""
    if not isinstance(value, str) or not value.strip():
        raise Invalid(name, "is required and must be a text" if required else "must be a text")
    if most is not None and len(without_placeholders(value)) > most:
        raise Invalid(name, "must have at most {most} characters", most=most)
    return value


def _check_text(raw: Mapping[str, Any], path: str) -> None:
    _text(raw, "content", path)


def _check_media(raw: Mapping[str, Any], path: str) -> None:
    _text(raw, "media_id", path, 256)


def _check_voice(raw: Mapping[str, Any], path: str) -> None:
    _check_media(raw, path)
    duration = raw.get("duration")
    digits = "" if isinstance(duration, bool) else str(duration)
    if not re.fullmatch(r"\d{1,2}", digits, re.ASCII) or not 0 < int(digits) < MAX_DURATION:
        reason = "must be a number of seconds below {most}"
        raise Invalid(f"{path}.duration", reason, most=MAX_DURATION)


def _check_link(raw: Mapping[str, Any], path: str) -> None:
    _text(raw, "messageUrl", path, ADDRESS)
    _text(raw, "picUrl", path, ADDRESS)
    _text(raw, "title", path)
    _text(raw, "text", path)


def _check_markdown(raw: Mapping[str, Any], path: str) -> None:
    _text(raw, "title", path)
    _text(raw, "text", path)


def _check_oa(raw: Mapping[str, Any], path: str) -> None:
    _text(raw, "message_url", path, ADDRESS)
    _text(raw, "pc_message_url", path, ADDRESS, required=False)
    if raw.get("head") is not None:
        head = _object(raw, "head", f"{path}.head")
        _text(head, "text", f"{path}.head", HEAD, required=False)
        colour = _text(head, "bgcolor", f"{path}.head", required=False)
        if colour and not _COLOUR.fullmatch(colour) and not placeholders(colour):
            raise Invalid(f"{path}.head.bgcolor", "must be 8 hexadecimal digits")
    body = _object(raw, "body", f"{path}.body")
    for name in ("title", "content", "image", "author"):
        _text(body, name, f"{path}.body", required=False)
    _check_form(body, f"{path}.body")


def _check_form(body: Mapping[str, Any], path: str) -> None:
    """Check a form. DingTalk shows six entries and hides the rest."""
    form = body.get("form")
    if form is None:
        return
    if not isinstance(form, list | tuple) or not all(isinstance(entry, Mapping) for entry in form):
        raise Invalid(f"{path}.form", "must be a list of objects")
    for n, entry in enumerate(form):
        for name in ("key", "value"):
            _text(entry, name, f"{path}.form[{n}]", required=False)


def _check_card(raw: Mapping[str, Any], path: str) -> None:
    """Check a card: one address for the whole card, or one for each button."""
    _text(raw, "title", path)
    _text(raw, "markdown", path)
    buttons = raw.get("btn_json_list")
    if buttons is None:
        _text(raw, "single_title", path, BUTTON_TITLE)
        _text(raw, "single_url", path, SINGLE_URL)
        return
    if raw.get("single_title") or raw.get("single_url"):
        raise Invalid(
            f"{path}.btn_json_list", "cannot be combined with single_title and single_url"
        )
    if str(raw.get("btn_orientation")) not in ("0", "1"):
        raise Invalid(f"{path}.btn_orientation", "must be 0 or 1")
    is_list = isinstance(buttons, list | tuple) and bool(buttons)
    if not is_list or not all(isinstance(button, Mapping) for button in buttons):
        raise Invalid(f"{path}.btn_json_list", "must be a list of objects")
    for n, button in enumerate(buttons):
        _text(button, "title", f"{path}.btn_json_list[{n}]", BUTTON_TITLE)
        _text(button, "action_url", f"{path}.btn_json_list[{n}]", BUTTON_URL)


CHECKS: Mapping[str, Check] = {
    "text": _check_text,
    "image": _check_media,
    "voice": _check_voice,
    "file": _check_media,
    "link": _check_link,
    "oa": _check_oa,
    "markdown": _check_markdown,
    "action_card": _check_card,
}
