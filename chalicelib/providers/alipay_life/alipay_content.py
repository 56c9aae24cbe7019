"""Content of a template message of a life account.

Source: https://opendocs.alipay.com/apis/api_6/alipay.open.public.message.single.send, and Jiguang
UMS's `msg_alipay_life` for the lengths.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.errors import Invalid
from chalicelib.domain.provider_io import Clickable
from chalicelib.domain.templates import placeholders, without_placeholders
from chalicelib.domain.third_party import Action, Family, Field, Registers, Sort, Use
from chalicelib.providers.base import check_names, required_text
from chalicelib.providers.registries import fields_in

TEMPLATE_ID, HEAD_COLOR, URL, ACTION_NAME, VALUE = 128, 10, 256, 16, 128

CLICKABLE = Clickable(("context.url",))

_VALUE = re.compile(r"keyword[1-9]\d?|first|remark", re.ASCII)
_NAMES = re.compile(r"(?<![A-Za-z0-9])(?:keyword[1-9]\d?|first|remark)(?![A-Za-z0-9])", re.ASCII)
_USER_ID = re.compile(r"2088\d{12}", re.ASCII)


def check(content: Mapping[str, Any]) -> None:
    """Raise Invalid for a bad content.

    Its form is `{template_id, context: {head_color, url, action_name, keyword1 …, first?,
    remark?}}`. Placeholders do not count here: the lengths of their values are checked when a
    message is sent.
    """
    check_names(content, ("template_id", "context"), "")
    _text(content, "template_id", "", TEMPLATE_ID)
    if placeholders(content["template_id"]):
        raise Invalid("template_id", "must not be a variable")
    context = content.get("context")
    if not isinstance(context, Mapping):
        raise Invalid("context", "is required and must be an object")
    values = [name for name in context if isinstance(name, str) and _VALUE.fullmatch(name)]
    check_names(context, ("head_color", "url", "action_name", *values), "context")
    _text(context, "head_color", "context", HEAD_COLOR)
    _text(context, "url", "context", URL)  # a template message must lead somewhere
    if _width(_text(context, "action_name", "context", ACTION_NAME)) > ACTION_NAME:
        raise Invalid("context.action_name", "must have at most 8 Chinese or 16 other characters")
    if "keyword1" not in context:
        raise Invalid("context.keyword1", "is required")
    for name in values:
        _check_value(context[name], f"context.{name}")


def _check_value(value: Any, path: str) -> None:
    if not isinstance(value, Mapping):
        raise Invalid(path, "must be an object of value and color")
    check_names(value, ("value", "color"), path)
    _text(value, "value", path, VALUE)
    if value.get("color") is not None:
        _text(value, "color", path, HEAD_COLOR)


def _text(raw: Mapping[str, Any], key: str, path: str, limit: int) -> str:
    """Return a text without its placeholders. A text of placeholders alone is allowed."""
    plain = without_placeholders(required_text(raw, key, path, 4096))
    if len(plain) > limit:
        field = f"{path}.{key}" if path else key
        raise Invalid(field, "must have at most {most} characters", most=limit)
    return plain


def uses(content: Mapping[str, Any]) -> Sequence[Use]:
    """Return the template that a content names, with its values."""
    values = {
        name: str(value["value"])
        for name, value in content["context"].items()
        if _VALUE.fullmatch(name)
    }
    id = str(content.get("template_id"))
    return [Use(Family.TEMPLATE, id, "template_id", values, "context", ".value")]


def fields_of(text: str) -> tuple[Field, ...]:
    """Return the key fields that an operator has copied, with braces around them or without."""
    names = dict.fromkeys(_NAMES.findall(text))
    return fields_in(text) or tuple(Field(name) for name in names)


# Alipay does not tell anybody which templates an account has.
REGISTERS = Registers(
    actions={Sort.MESSAGE: frozenset({Action.ENTER})}, uses=uses, fields=fields_of
)


def _width(text: str) -> int:
    return sum(1 if character.isascii() else 2 for character in text)


def business(contact: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return `biz_content` of one message.

    A contact is a user number that begins with 2088, or an open id of this account.
    """
    return {
        "to_user_id" if _USER_ID.fullmatch(contact) else "to_open_id": contact,
        "template": {"template_id": content.get("template_id"), "context": content.get("context")},
    }
