"""Contents as forms: the fields of each channel type, and back to the contents of the API.

A content that the fields cannot hold is edited as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from chalicelib.console import typed_json
from chalicelib.console.door import ApiError, Problem
from chalicelib.console.forms import Form, number_of
from chalicelib.domain import sms
from chalicelib.domain.email import is_html

N_ = str  # marks a text for the catalogue

Content = dict[str, Any]


class Field(NamedTuple):
    """A field of a content. `long`: lines of its text box, 0 for one line."""

    name: str
    label: str
    long: int = 0
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()


class Named(NamedTuple):
    """Fields of a content that names a third-party template: the id, and lines of its values.

    `place` is that of the values in the API's content.
    """

    id: str
    values: str
    place: str


NOTICE = "1"
WECHAT_KINDS = (("0", N_("Template message")), (NOTICE, N_("Subscription notice")))
FIELDS: Mapping[str, tuple[Field, ...]] = {
    "app": (Field("title", N_("Title")), Field("alert", N_("Text"), 3)),
    "sms": (
        Field("content", N_("Text"), 4, N_("for gateways that take free text")),
        Field("sign_id", N_("Signature id"), 0, N_("for platforms with templates of their own")),
        Field("temp_id", N_("Template id of the platform")),
        Field("temp_para", N_("Its variables"), 3, N_("one on each line: name = value")),
    ),
    "email": (
        Field("subject", N_("Subject")),
        Field("text", N_("Text"), 5),
        Field("html", N_("HTML"), 4, N_("without scripts; the text then stands beside it")),
    ),
    "wechatoa": (
        Field("template_id", N_("Template id of WeChat")),
        Field("type", N_("Kind"), choices=WECHAT_KINDS),
        Field("data", N_("Keywords"), 4, N_("one on each line: name = value")),
        Field("url", N_("Address that opens")),
    ),
    "wechatmp": (
        Field("template_id", N_("Template id of WeChat")),
        Field("data", N_("Keywords"), 4, N_("one on each line: name = value")),
        Field("page", N_("Page that opens")),
    ),
    "alipay_life": (
        Field("template_id", N_("Template id of the life account")),
        Field("data", N_("Keywords"), 4, N_("one on each line: keyword1 = value")),
        Field("url", N_("Address that opens")),
    ),
    "dingtalk_cc": (Field("text", N_("Text"), 3),),
    "wechatwk": (Field("text", N_("Text"), 3),),
    "wechatwk_linkedcorp": (Field("text", N_("Text"), 3),),
}

THIRD_PARTY: Mapping[str, Named] = {
    "sms": Named("temp_id", "temp_para", "temp_para"),
    "wechatoa": Named("template_id", "data", "data"),
    "wechatmp": Named("template_id", "data", "data"),
    "alipay_life": Named("template_id", "data", "context"),
}
VALUE = "v."  # before the name of a value that has a field of its own
FRAME = ("first", "remark")  # values that a template message may do without


def pairs(text: str) -> dict[str, str]:
    """Read lines of `name = value`."""
    lines = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, _, value in lines if name.strip()}


def lines(values: Mapping[str, Any]) -> str:
    return "\n".join(f"{name} = {value}" for name, value in values.items())


def values_of(kind: str, typed: Mapping[str, str]) -> dict[str, str]:
    """Return the values of a third-party template: on lines, and in fields of their own."""
    fields = {n.removeprefix(VALUE): text for n, text in typed.items() if n.startswith(VALUE)}
    given = {name: text for name, text in fields.items() if text or name not in FRAME}
    return {**pairs(typed.get(THIRD_PARTY[kind].values, "")), **given}


# -- from what was typed to a content


def _sms(typed: Mapping[str, str]) -> Content:
    if typed.get("temp_id"):
        made: Content = {"temp_id": number_of(typed["temp_id"])}
        if typed.get("sign_id"):
            made["sign_id"] = number_of(typed["sign_id"])
        return {**made, "temp_para": values_of("sms", typed)}
    return {"content": typed.get("content", "")}


def _wechat(typed: Mapping[str, str]) -> Content:
    data = {name: {"value": value} for name, value in values_of("wechatoa", typed).items()}
    rest = {name: typed[name] for name in ("url", "page") if typed.get(name)}
    return {"template_id": typed.get("template_id", ""), "data": data, **rest}


def _official(typed: Mapping[str, str]) -> Content:
    """Return a template message or a notice, which calls its address `page`."""
    made = _wechat(typed)
    if typed.get("type") != NOTICE:
        return {"type": 0, **made}
    if "url" in made:
        made["page"] = made.pop("url")
    return {"type": 1, **made}


def _life_account(typed: Mapping[str, str]) -> Content:
    context: Content = {n: {"value": v} for n, v in values_of("alipay_life", typed).items()}
    if typed.get("url"):
        context["url"] = typed["url"]
    return {"template_id": typed.get("template_id", ""), "context": context}


def _enterprise(typed: Mapping[str, str]) -> Content:
    return {"msgtype": "text", "text": {"content": typed.get("text", "")}}


def _mail(typed: Mapping[str, str]) -> Content:
    """Return a mail. The API has one text, says that it is HTML, and has a plain one beside it."""
    made = _plain(typed)
    if "html" not in made:
        return made
    beside = {"plain_text": made["text"]} if "text" in made else {}
    return {**made, "text": made["html"], "html": True, **beside}


def html_of(content: Mapping[str, Any]) -> str:
    """Return the HTML of a mail, empty if its text is plain."""
    return str(content.get("text", "")) if is_html(content) else ""


def _plain(typed: Mapping[str, str]) -> Content:
    return {name: value for name, value in typed.items() if value}


_MAKE: Mapping[str, Callable[[Mapping[str, str]], Content]] = {
    "sms": _sms,
    "email": _mail,
    "wechatoa": _official,
    "wechatmp": _wechat,
    "alipay_life": _life_account,
    "wechatwk": _enterprise,
    "wechatwk_linkedcorp": _enterprise,
}


def make(kind: str, typed: Mapping[str, str]) -> Content:
    return _MAKE.get(kind, _plain)(typed)


# -- from a content to what the form shows


def show(kind: str, content: Any) -> dict[str, str]:
    """Return the fields of a content, or `json` alone if the fields cannot hold the content."""
    if not isinstance(content, Mapping):
        return {"json": json.dumps(content, ensure_ascii=False, indent=1)}
    typed = _typed(kind, content)
    if make(kind, _sent(kind, typed)) == content:
        return typed
    return {"json": json.dumps(content, ensure_ascii=False, indent=1)}


def _sent(kind: str, typed: Mapping[str, str]) -> dict[str, str]:
    """Return fields as browsers send them: without blanks around them, and some on one line."""
    long = {field.name for field in FIELDS[kind] if field.long}
    return {
        name: (text.replace("\r", "") if name in long else " ".join(text.splitlines())).strip()
        for name, text in typed.items()
    }


def _typed(kind: str, content: Mapping[str, Any]) -> dict[str, str]:
    text = content.get("text")
    if kind == "email" and content.get("html") is True:
        beside = {"text": content["plain_text"]} if "plain_text" in content else {}
        content = {"subject": content.get("subject", ""), "html": text, **beside}
    if kind in ("wechatwk", "wechatwk_linkedcorp"):
        return {"text": str(text.get("content", ""))} if isinstance(text, Mapping) else {}
    shown = {name: str(value) for name, value in content.items() if isinstance(value, str | int)}
    if shown.pop("type", "") == NOTICE and kind == "wechatoa":
        shown["type"], shown["url"] = NOTICE, shown.pop("page", "")
    if isinstance(content.get("temp_para"), Mapping):
        shown["temp_para"] = lines(content["temp_para"])
    data = content.get("data", content.get("context"))
    if isinstance(data, Mapping):
        values = {n: v["value"] for n, v in data.items() if isinstance(v, Mapping) and "value" in v}
        shown["data"] = lines(values)
        if isinstance(data.get("url"), str):
            shown["url"] = data["url"]
    return shown


# -- forms of several types


def typed_of(form: Form, kind: str) -> dict[str, str]:
    """Return what was typed for a channel type."""
    return {name: text.strip() for name, text in form.under(f"c.{kind}.")}


def chosen(form: Form) -> list[str]:
    """Return the channel types that a form has contents for, in the usual order."""
    picked = form.many("types")
    return [kind for kind in FIELDS if kind in picked]


def read(form: Form) -> dict[str, Any]:
    """Return the contents of a form by channel type. Raise ApiError for JSON that is none."""
    return {kind: make_any(kind, typed_of(form, kind)) for kind in chosen(form)}


def make_any(kind: str, typed: Mapping[str, str]) -> Any:
    """Return a content, from its fields or from JSON. Raise ApiError for JSON that is none."""
    if typed.get("json"):
        try:
            return typed_json.read(typed["json"])
        except ValueError as error:
            raise ApiError(400, [Problem(f"contents.{kind}", str(error))]) from None
    return make(kind, {name: value for name, value in typed.items() if name != "json"})


# -- what an SMS costs


class Size(NamedTuple):
    characters: int
    parts: int
    over: int  # characters in the last part, of a text of several


def size(text: str) -> Size:
    """Count the characters and the parts of an SMS."""
    number = sum(2 if ord(sign) > 0xFFFF else 1 for sign in text)
    parts = sms.parts(text)
    return Size(number, parts, number - sms.PART * (parts - 1) if parts > 1 else 0)
