"""What WeChat messages say: `msg_wechatoa` and `msg_wechatmp` of UMS, and WeChat's own objects that they become.

Template messages: developers.weixin.qq.com/doc/service/api/notify/template/api_sendtemplatemessage, subscription notices:
…/notify/api_sendnewsubscribemsg, subscription messages of mini-programs: …/miniprogram/…/subscribe-message/api_sendmessage, with the
rules of values under "parameter types". Lengths leave out placeholders, whose values come later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.errors import Invalid
from chalicelib.domain.provider_io import Clickable
from chalicelib.providers.base import PLACEHOLDER, check_names, optional_text, required_text

TEMPLATE, SUBSCRIPTION = 0, 1

TEMPLATE_ID_CHARACTERS = 128
PAGE_CHARACTERS = 1024
URL_CHARACTERS = 2048
VALUE_CHARACTERS = 2048  # of a template message, whose values have no documented rules
MAX_VALUES = 50

# Of an Official Account. Whoever gives both is led to the mini-program; `page` of a mini-program's message is a place in it.
CLICKABLE = Clickable(("url", "page"), instead=("miniprogram", "appid"))

STATES = ("developer", "trial", "formal")
LANGUAGES = ("zh_CN", "en_US", "zh_HK", "zh_TW")

# Values of subscription notices and messages, by how their key begins: characters at most, and what they may be.
RULES: Mapping[str, tuple[int, str]] = {
    "thing": (20, ""),
    "number": (32, r"-?\d+(\.\d+)?"),
    "letter": (32, r"[A-Za-z]+"),
    "symbol": (5, ""),
    "character_string": (32, r"[\x20-\x7e]+"),
    "phone_number": (17, r"[\d\s()+-]+"),
    "car_number": (8, ""),
    "name": (20, ""),  # 10 where it is Chinese
    "phrase": (5, ""),
    "const": (20, ""),
}

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_HAN = re.compile(r"[一-鿿]")


def kind_of(content: Mapping[str, Any]) -> int:
    """0: a template message, 1: a subscription notice; raises Invalid for anything else."""
    kind = content.get("type")
    if isinstance(kind, bool) or kind not in (None, TEMPLATE, SUBSCRIPTION, "0", "1"):
        raise Invalid("type", "must be 0 (template message) or 1 (subscription notice)")
    return int(kind or TEMPLATE)


def check_official(content: Mapping[str, Any]) -> None:
    kind = kind_of(content)
    own = ("url", "color") if kind == TEMPLATE else ("page",)
    check_names(
        content, ("type", "template_id", "miniprogram", "appid", "pagepath", "data", *own), ""
    )
    _check_template_id(content)
    _check_address(content, "url" if kind == TEMPLATE else "page")
    _check_jump(content)
    _check_color(content, "color")
    _check_data(content, kind)


def check_mini(content: Mapping[str, Any]) -> None:
    check_names(content, ("template_id", "page", "data", "miniprogram_state", "lang"), "")
    _check_template_id(content)
    optional_text(content, "page", limit=PAGE_CHARACTERS)
    for name, allowed in (("miniprogram_state", STATES), ("lang", LANGUAGES)):
        if content.get(name) not in (None, "", *allowed):
            raise Invalid(name, "must be one of " + ", ".join(allowed))
    _check_data(content, SUBSCRIPTION)


def _check_template_id(content: Mapping[str, Any]) -> None:
    if PLACEHOLDER.search(required_text(content, "template_id", limit=TEMPLATE_ID_CHARACTERS)):
        raise Invalid("template_id", "must not contain a placeholder")


def _check_address(content: Mapping[str, Any], name: str) -> None:
    """With its protocol, or a placeholder from the start."""
    value = optional_text(content, name, limit=URL_CHARACTERS)
    if value and not value.startswith(("http://", "https://", "{{")):
        raise Invalid(name, "must start with http:// or https://")


def _check_jump(content: Mapping[str, Any]) -> None:
    """To a mini-program; it goes before an address. UMS takes it as an object or in two fields."""
    for where, raw in (("", content), ("miniprogram", content.get("miniprogram"))):
        if raw is None or _is_blank(raw):
            continue
        if not isinstance(raw, Mapping):
            raise Invalid(where, "must be an object")
        if where:
            check_names(raw, ("appid", "pagepath"), where)
        optional_text(raw, "appid", where, 32)
        optional_text(raw, "pagepath", where, PAGE_CHARACTERS)
        if (where or raw.get("pagepath")) and not raw.get("appid"):
            raise Invalid(
                f"{where}.appid" if where else "appid", "is required for a jump to a mini-program"
            )


def _is_blank(jump: Any) -> bool:
    """Whether an object leads nowhere: clients of UMS send it with empty texts where no jump is wanted."""
    return isinstance(jump, Mapping) and not any(jump.values())


def _check_color(raw: Mapping[str, Any], key: str, where: str = "") -> None:
    value = optional_text(raw, key, where, 16)
    if value and not _COLOR.fullmatch(value):
        raise Invalid(f"{where}.{key}" if where else key, "must be a color such as #173177")


def _check_data(content: Mapping[str, Any], kind: int) -> None:
    data = content.get("data")
    if not isinstance(data, Mapping) or not data:
        raise Invalid("data", "is required and must be an object")
    if len(data) > MAX_VALUES:
        raise Invalid("data", f"must have at most {MAX_VALUES} values")
    for key, entry in data.items():
        where = f"data.{key}"
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise Invalid(
                "data", "the names of values are letters, digits and _, beginning with a letter"
            )
        if not isinstance(entry, Mapping):
            raise Invalid(where, "must be an object with a value")
        check_names(entry, ("value", "color") if kind == TEMPLATE else ("value",), where)
        said = _said(entry)
        if kind == SUBSCRIPTION:
            _check_value(key, required_text(said, "value", where), where)
        elif said.get("value") != "":  # a template message may leave a value empty
            required_text(said, "value", where, VALUE_CHARACTERS)
        _check_color(entry, "color", where)


def _said(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """A number is as good as a text: WeChat's pages have `{"value": any}`."""
    value = entry.get("value")
    return (
        {**entry, "value": str(value)}
        if isinstance(value, int | float) and not isinstance(value, bool)
        else entry
    )


def _check_value(key: str, value: str, where: str) -> None:
    kind = key.rstrip("0123456789")
    limit, form = RULES.get(kind, (VALUE_CHARACTERS, ""))
    rest = PLACEHOLDER.sub("", value)
    if kind == "name" and _HAN.search(rest):
        limit = 10
    if len(rest) > limit:
        raise Invalid(f"{where}.value", f"must have at most {limit} characters")
    if form and rest == value and not re.fullmatch(form, value, re.ASCII):
        raise Invalid(f"{where}.value", "has characters that this kind of value must not have")


def template_body(content: Mapping[str, Any], token: str | None) -> dict[str, Any]:
    """Of POST template/send."""
    body = _body(content, ("url", "color")) | _jump(content)
    return body | ({"client_msg_id": token} if token else {})


def notice_body(content: Mapping[str, Any]) -> dict[str, Any]:
    """Of POST subscribe/bizsend."""
    return _body(content, ("page",)) | _jump(content)


def mini_body(content: Mapping[str, Any]) -> dict[str, Any]:
    """Of POST subscribe/send."""
    return _body(content, ("page", "miniprogram_state", "lang"))


def _body(content: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    given = {name: content[name] for name in names if content.get(name)}
    return {
        "template_id": content.get("template_id"),
        "data": {key: _said(entry) for key, entry in content["data"].items()},
        **given,
    }


def _jump(content: Mapping[str, Any]) -> dict[str, Any]:
    own = content.get("miniprogram")
    jump = (
        own
        if own and not _is_blank(own)
        else {name: content[name] for name in ("appid", "pagepath") if content.get(name)}
    )
    return {"miniprogram": jump} if jump else {}
