"""Content of WeChat messages: `msg_wechatoa` and `msg_wechatmp` of UMS, and WeChat's own objects.

Template messages: developers.weixin.qq.com/doc/service/api/notify/template/api_sendtemplatemessage.
Subscription notices: …/notify/api_sendnewsubscribemsg. Subscription messages of mini-programs:
…/miniprogram/…/subscribe-message/api_sendmessage, with the rules of values under "parameter types".
Lengths leave out placeholders, whose values come later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.errors import Invalid
from chalicelib.domain.provider_io import Clickable
from chalicelib.domain.rules.third_party import refusal
from chalicelib.domain.templates import placeholders, without_placeholders
from chalicelib.domain.third_party import Family, Sort, Use
from chalicelib.providers.base import check_names, optional_text, required_text
from chalicelib.providers.wechat.values import ANY, KINDS, VALUE_CHARACTERS

TEMPLATE, SUBSCRIPTION = 0, 1

TEMPLATE_ID_CHARACTERS = 128
PAGE_CHARACTERS = 1024
URL_CHARACTERS = 2048
MAX_VALUES = 50

# Of an Official Account. With both an address and a mini-program, WeChat opens the mini-program.
# `page` of a mini-program's message is a page inside it.
CLICKABLE = Clickable(("url", "page"), instead=("miniprogram", "appid"))

STATES = ("developer", "trial", "formal")
LANGUAGES = ("zh_CN", "en_US", "zh_HK", "zh_TW")

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")


def message_type(content: Mapping[str, Any]) -> int:
    """Return 0 for a template message and 1 for a subscription notice.

    Raises Invalid for other types.
    """
    type_ = content.get("type")
    if isinstance(type_, bool) or type_ not in (None, TEMPLATE, SUBSCRIPTION, "0", "1"):
        raise Invalid("type", "must be 0 (template message) or 1 (subscription notice)")
    return int(type_ or TEMPLATE)


def check_official(content: Mapping[str, Any]) -> None:
    type_ = message_type(content)
    # UMS's example of a notice has an empty `url` and colors, which a notice does not show.
    names = {"type", "template_id", "miniprogram", "appid", "pagepath", "data", "color"}
    names.add("url" if type_ == TEMPLATE else "page")
    check_names(content, names if content.get("url") else {*names, "url"}, "")
    _check_template_id(content)
    _check_address(content, "url" if type_ == TEMPLATE else "page")
    _check_jump(content)
    _check_color(content, "color")
    _check_data(content, type_)


def check_mini(content: Mapping[str, Any]) -> None:
    check_names(content, ("template_id", "page", "data", "miniprogram_state", "lang"), "")
    _check_template_id(content)
    optional_text(content, "page", limit=PAGE_CHARACTERS)
    for name, allowed in (("miniprogram_state", STATES), ("lang", LANGUAGES)):
        if content.get(name) not in (None, "", *allowed):
            raise Invalid(name, "must be one of {allowed}", allowed=allowed)
    _check_data(content, SUBSCRIPTION)


def _check_template_id(content: Mapping[str, Any]) -> None:
    if placeholders(required_text(content, "template_id", limit=TEMPLATE_ID_CHARACTERS)):
        raise Invalid("template_id", "must not contain a placeholder")


def _check_address(content: Mapping[str, Any], name: str) -> None:
    """Check an address: it has its protocol, or starts with a placeholder."""
    value = optional_text(content, name, limit=URL_CHARACTERS)
    if value and not value.startswith(("http://", "https://", "{{")):
        raise Invalid(name, "must start with http:// or https://")


def _check_jump(content: Mapping[str, Any]) -> None:
    """Check the jump to a mini-program, which wins over an address.

    UMS takes the jump as an object or in two fields.
    """
    for path, raw in (("", content), ("miniprogram", content.get("miniprogram"))):
        if raw is None or _is_blank(raw):
            continue
        if not isinstance(raw, Mapping):
            raise Invalid(path, "must be an object")
        if path:
            check_names(raw, ("appid", "pagepath"), path)
        optional_text(raw, "appid", path, 32)
        optional_text(raw, "pagepath", path, PAGE_CHARACTERS)
        if (path or raw.get("pagepath")) and not raw.get("appid"):
            raise Invalid(
                f"{path}.appid" if path else "appid", "is required for a jump to a mini-program"
            )


def _is_blank(jump: Any) -> bool:
    """Return True for an object that leads nowhere: UMS clients send empty texts for no jump."""
    return isinstance(jump, Mapping) and not any(jump.values())


def _check_color(raw: Mapping[str, Any], key: str, path: str = "") -> None:
    value = optional_text(raw, key, path, 16)
    if value and not _COLOR.fullmatch(value):
        raise Invalid(f"{path}.{key}" if path else key, "must be a color such as #173177")


def _check_data(content: Mapping[str, Any], type_: int) -> None:
    data = content.get("data")
    if not isinstance(data, Mapping) or not data:
        raise Invalid("data", "is required and must be an object")
    if len(data) > MAX_VALUES:
        raise Invalid("data", "must have at most {most} values", most=MAX_VALUES)
    for key, entry in data.items():
        path = f"data.{key}"
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise Invalid(
                "data", "the names of values are letters, digits and _, beginning with a letter"
            )
        if not isinstance(entry, Mapping):
            raise Invalid(path, "must be an object with a value")
        check_names(entry, ("value", "color"), path)
        entry_text = _as_text(entry)
        if type_ == SUBSCRIPTION:
            _check_value(key, required_text(entry_text, "value", path), path)
        elif entry_text.get("value") != "":  # a template message may leave a value empty
            required_text(entry_text, "value", path, VALUE_CHARACTERS)
        _check_color(entry, "color", path)


def _as_text(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the entry with its value as a text: WeChat's pages allow `{"value": any}`."""
    value = entry.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return entry
    return {**entry, "value": str(value)}


def _check_value(key: str, value: str, path: str) -> None:
    """Check a value by the kind of its key. Placeholders count for nothing: values come later."""
    kind = KINDS.get(key.rstrip("0123456789"), ANY)
    rest = without_placeholders(value)
    reason = refusal(kind, rest) if rest == value or len(rest) > kind.limit else None
    if reason is not None:
        raise Invalid(f"{path}.value", reason)


def uses_official(content: Mapping[str, Any]) -> Sequence[Use]:
    """Return the template that a content of an Official Account names, with its values."""
    is_message = message_type(content) == TEMPLATE
    return _uses(content, Sort.MESSAGE if is_message else Sort.NOTICE)


def uses_mini(content: Mapping[str, Any]) -> Sequence[Use]:
    """Return the template that a content of a mini-program names, with its values."""
    return _uses(content, Sort.NOTICE)


def _uses(content: Mapping[str, Any], sort: Sort) -> Sequence[Use]:
    values = {key: str(_as_text(entry).get("value", "")) for key, entry in content["data"].items()}
    id = str(content.get("template_id"))
    return [Use(Family.TEMPLATE, id, "template_id", values, "data", ".value", sort)]


def template_body(content: Mapping[str, Any], token: str | None) -> dict[str, Any]:
    """Return the body of POST template/send."""
    body = _body(content, ("url", "color")) | _jump(content)
    return body | ({"client_msg_id": token} if token else {})


def notice_body(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of POST subscribe/bizsend."""
    return _without_colors(_body(content, ("page",))) | _jump(content)


def mini_body(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of POST subscribe/send."""
    return _without_colors(_body(content, ("page", "miniprogram_state", "lang")))


def _body(content: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    extra = {name: content[name] for name in names if content.get(name)}
    return {
        "template_id": content.get("template_id"),
        "data": {key: _as_text(entry) for key, entry in content["data"].items()},
        **extra,
    }


def _without_colors(body: Mapping[str, Any]) -> dict[str, Any]:
    values = {key: {"value": entry["value"]} for key, entry in body["data"].items()}
    return {**body, "data": values}


def _jump(content: Mapping[str, Any]) -> dict[str, Any]:
    jump = content.get("miniprogram")
    if not jump or _is_blank(jump):
        jump = {name: content[name] for name in ("appid", "pagepath") if content.get(name)}
    return {"miniprogram": jump} if jump else {}
