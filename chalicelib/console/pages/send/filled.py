"""The form of a message, filled in from a message as it was stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.console import contents
from chalicelib.console.forms import Form

Message = Mapping[str, Any]


def fields(message: Message, *, broadcast: bool) -> dict[str, list[str]]:
    """Return the fields of the form that stand for a message, as far as it has them."""
    option = message.get("option") or {}
    filled = {"kind": "template" if message.get("template_id") else "ordinary"}
    filled |= {"priority": str(option.get("priority") or 2)}
    filled |= {name: str(option[name]) for name in ("sendno", "topic") if option.get(name)}
    filled |= {"title": str(option["name"])} if option.get("name") else {}
    filled |= {"owner": str(option["owner"])} if option.get("owner") else {}
    for kind in ("black", "white"):
        if option.get(f"{kind}_id"):
            filled["list"] = f"{kind}:{option[f'{kind}_id']}"
    if message.get("rule_id"):
        filled["rule_id"] = str(message["rule_id"])
    filled |= {"audience": "everyone"} if broadcast else _audience(message)
    lists = {name: [text] for name, text in filled.items()}
    return lists | (_template(message) if message.get("template_id") else _contents(message))


def _audience(message: Message) -> dict[str, str]:
    if message.get("aud_tag"):
        return {"audience": "tag", "tags": ", ".join(message["aud_tag"])}
    if message.get("aud_segment"):
        return {"audience": "segment", "segment": str(message["aud_segment"][0])}
    for kind in contents.FIELDS:
        if message.get(f"aud_{kind}"):
            data = [str(one) for group in message[f"aud_{kind}"] for one in group.get("data", ())]
            return {"audience": "contacts", "contact_type": kind, "contacts": "\n".join(data)}
    return {"audience": "users", "userids": "\n".join(map(str, message.get("aud_userid") or ()))}


def _template(message: Message) -> dict[str, list[str]]:
    values = message.get("template_para") or {}
    platform = (message.get("app_para") or {}).get("platform", "all")
    return {
        "template": [str(message["template_id"])],
        "platform": [platform if isinstance(platform, str) else ""],
        **{f"v.{name}": [str(value)] for name, value in values.items()},
    }


def _contents(message: Message) -> dict[str, list[str]]:
    filled: dict[str, list[str]] = {"types": []}
    for kind, content in _elements(message):
        filled["types"].append(kind)
        shown = contents.show(kind, content)
        filled |= {f"c.{kind}.{name}": [text] for name, text in shown.items()}
    return filled


def _elements(message: Message) -> Iterator[tuple[str, Any]]:
    """Yield what the message brings for each channel type: an element, or several as a list."""
    for kind in contents.FIELDS:
        elements = [_without_platform(kind, each) for each in message.get(f"msg_{kind}") or ()]
        if elements:
            yield kind, elements[0] if len(elements) == 1 else elements


def _without_platform(kind: str, element: Any) -> Any:
    """Take the platform away that the form adds to a push."""
    if kind == "app" and isinstance(element, Mapping) and element.get("platform") == "all":
        return {name: value for name, value in element.items() if name != "platform"}
    return element


def comparable(message: Message) -> dict[str, Any]:
    """Return a message without what means nothing, to see if a form holds all of it."""
    kept = {name: value for name, value in message.items() if value not in (None, 0, [], {})}
    if kept.get("app_para") == {"platform": "all"}:
        del kept["app_para"]
    option = {n: v for n, v in (kept.pop("option", None) or {}).items() if v not in (None, 0, "")}
    if option.get("priority") == 2:
        del option["priority"]
    values = kept.pop("template_para", None) or {}
    texts = {name: str(value) for name, value in values.items() if value != ""}
    elements = [_without_platform("app", each) for each in kept.pop("msg_app", None) or ()]
    named = {str(userid): None for userid in kept.pop("aud_userid", None) or ()}
    return {**kept, "option": option, "values": texts, "app": elements, "userids": list(named)}


def form_of(filled: Mapping[str, list[str]], more: Mapping[str, str]) -> Form:
    return Form({**filled, **{name: [text] for name, text in more.items() if text}})
