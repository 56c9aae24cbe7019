"""Third-party templates in forms: chosen from a delivery channel's list, with their fields.

What a button of the form does is `pick:<channel type>:<family>:<code>` to open a list, and
`take:<channel type>:<family>:<code>:<id>` to choose from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from chalicelib.console import contents
from chalicelib.console.door import ApiError
from chalicelib.console.visit import Visit
from chalicelib.domain.limits import MAX_CONTENT

TEMPLATES, SIGNATURES = "templates", "signatures"
LISTED = 50  # of a list that is open. A search finds the others.
MOST = 5  # delivery channels of a channel type that are looked through

KEPT = "k."  # before the name of a field by which a form remembers
SHOWN = ("title", "text")  # of a template

_PLACE = re.compile(r"\{\{([^{}]*)\}\}")  # of a value in a text

Thing = Mapping[str, Any]
Typed = Mapping[str, Mapping[str, str]]


class Register(NamedTuple):
    """A channel type: its delivery channels with templates, and what the content names of them."""

    channels: Sequence[Thing]
    template: Thing | None = None
    signature: Thing | None = None

    @property
    def names(self) -> list[str]:
        """The names of the template's fields."""
        return [field["name"] for field in self.template["fields"]] if self.template else []

    def label(self, name: str) -> str:
        """Return the words that stand before a value, which people see."""
        fields = self.template["fields"] if self.template else []
        labels = {field["name"]: field["label"] for field in fields}
        return labels.get(name) or name

    def text(self, values: Mapping[str, Any]) -> str:
        """Return an SMS as people see it: its signature, then the text with its values."""
        shown = str(self.template["text"]) if self.template else ""
        given = {name: str(value) for name, value in values.items() if str(value)}
        length = sum(len(given.get(name, "")) for name in _PLACE.findall(shown))
        if length <= MAX_CONTENT:
            shown = _PLACE.sub(lambda place: given.get(place[1], place[0]), shown)
        return (f"【{self.signature['title']}】" if self.signature else "") + shown


class Pick(NamedTuple):
    """A list that is open, of templates or signatures of a delivery channel."""

    kind: str
    family: str
    code: str
    text: str
    listed: Sequence[Thing]
    has_more: bool


class Registers(NamedTuple):
    """Third-party templates of a form. `form` is the id of its element.

    `named` is what the contents name by channel type, for the fields of `remembered`.
    """

    form: str
    by_kind: Mapping[str, Register]
    pick: Pick | None
    named: Mapping[str, str]

    @property
    def fields(self) -> Mapping[str, str]:
        """The fields by which the form remembers what previews show of each channel type."""
        kept = {f"{KEPT}{kind}.named": name for kind, name in self.named.items()}
        for kind, register in self.by_kind.items():
            if register.template:
                kept |= {f"{KEPT}{kind}.{name}": register.template[name] for name in SHOWN}
                labels = {each["name"]: each["label"] for each in register.template["fields"]}
                kept |= {f"{KEPT}{kind}.label.{name}": label for name, label in labels.items()}
            if register.signature:
                kept[f"{KEPT}{kind}.sign"] = register.signature["title"]
        return kept


def taken(visit: Visit, typed: Typed) -> Typed:
    """Return what was typed, with the template or signature that the person has just chosen."""
    does, kind, family, code, id = _asked(visit)
    named = contents.THIRD_PARTY.get(kind)
    if does != "take" or named is None or kind not in typed:
        return typed
    before = {name: text for name, text in typed[kind].items() if name != "json"}
    if family == SIGNATURES:
        return {**typed, kind: {**before, "sign_id": id}}
    found = _one(visit, TEMPLATES, code, id)
    values = contents.values_of(kind, before)
    fields = [field["name"] for field in found["fields"]] if found else []
    after = {n: text for n, text in before.items() if not n.startswith(contents.VALUE)}
    after |= {contents.VALUE + name: values.get(name, "") for name in fields}
    rest = {name: text for name, text in values.items() if text and name not in fields}
    after |= {named.id: id, named.values: contents.lines(rest), "code": code}
    if kind == "wechatoa" and found:
        after["type"] = contents.NOTICE if found["kind"] == "notice" else "0"
    return {**typed, kind: after}


def registers(visit: Visit, typed: Typed, form: str) -> Registers:
    """Return what the channel types of a form have of third-party templates."""
    kinds = [kind for kind in typed if kind in contents.THIRD_PARTY]
    by_kind = _channels(visit, kinds) if kinds else {}
    found = {
        kind: Register(
            channels,
            _named(visit, TEMPLATES, channels, typed[kind], contents.THIRD_PARTY[kind].id),
            _named(visit, SIGNATURES, channels, typed[kind], "sign_id"),
        )
        for kind, channels in by_kind.items()
    }
    named = {kind: _name(kind, typed[kind]) for kind in kinds}
    return Registers(form, found, _pick(visit, found), named)


def remembered(visit: Visit, typed: Typed, form: str) -> Registers:
    """Return what previews show, from the form itself while it names the same as before.

    A preview follows every pause in typing. Only another id is looked for.
    """
    kinds = [kind for kind in typed if kind in contents.THIRD_PARTY]
    named = {kind: _name(kind, typed[kind]) for kind in kinds}
    same = [kind for kind in kinds if visit.form.text(f"{KEPT}{kind}.named") == named[kind]]
    rest = registers(visit, {k: one for k, one in typed.items() if k not in same}, form)
    kept = {kind: _kept(visit, kind) for kind in same}
    return Registers(form, {**kept, **rest.by_kind}, None, named)


def _kept(visit: Visit, kind: str) -> Register:
    fields = dict(visit.form.under(f"{KEPT}{kind}."))
    template: Thing | None = None
    if all(name in fields for name in SHOWN):
        labels = visit.form.under(f"{KEPT}{kind}.label.")
        listed = [{"name": name, "label": label} for name, label in labels]
        template = {**{name: fields[name] for name in SHOWN}, "fields": listed}
    return Register((), template, {"title": fields["sign"]} if "sign" in fields else None)


def _name(kind: str, typed: Mapping[str, str]) -> str:
    """Return what a content names of the registers of its channel type."""
    ids = (contents.THIRD_PARTY[kind].id, "sign_id", "code")
    return "|".join(typed.get(name, "").strip() for name in ids)


def _asked(visit: Visit) -> tuple[str, str, str, str, str]:
    parts = visit.form.text("do").split(":", 4)
    does, kind, family, code, id = parts + [""] * (5 - len(parts))
    return does, kind, family if family == SIGNATURES else TEMPLATES, code, id


def _channels(visit: Visit, kinds: Sequence[str]) -> dict[str, list[Thing]]:
    """Return the delivery channels with templates that the access channel may use, by type."""
    access = visit.access_channel or {}
    granted = {grant["code"] for grant in access.get("channels", ())}
    if not granted:
        return {}
    platforms = visit.api.get("platforms")["platforms"]
    with_templates = {each["platform"] for each in platforms if each["templates"]}
    found: dict[str, list[Thing]] = {}
    for each in visit.every("channels", "channels"):
        if each["code"] in granted and each["platform"] in with_templates and each["type"] in kinds:
            found.setdefault(each["type"], []).append(each)
    return found


def _named(
    visit: Visit, family: str, channels: Sequence[Thing], typed: Mapping[str, str], field: str
) -> Thing | None:
    """Return what a content names, from the chosen delivery channel or the first that has it."""
    id = typed.get(field, "")
    codes = sorted((each["code"] for each in channels), key=lambda code: code != typed.get("code"))
    found = (_one(visit, family, code, id) for code in codes[:MOST] if id)
    return next((each for each in found if each), None)


def _one(visit: Visit, family: str, code: str, id: str) -> Thing | None:
    try:
        found: Thing = visit.api.get(f"channels/{{code}}/{family}/{{id}}", code=code, id=id)
    except ApiError as error:
        if error.status == 404:
            return None
        raise
    return found


def _pick(visit: Visit, found: Mapping[str, Register]) -> Pick | None:
    """Return the list that is open. It stays open until something is chosen from it."""
    does, kind, family, code, _ = _asked(visit)
    register = found.get(kind)
    if does != "pick" or register is None:
        return None
    codes = [each["code"] for each in register.channels]
    code = code if code in codes else codes[0]
    text = visit.form.text("pick.text")
    query = {"limit": LISTED, "text": text or None}
    listed = visit.api.get(f"channels/{{code}}/{family}", query=query, code=code)
    return Pick(kind, family, code, text, listed[family], bool(listed["cursor"]))
