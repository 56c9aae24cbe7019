"""The editor's model of a segment's rule: a tree of groups and conditions, from a form and back.

A node's place is the numbers of the parts that lead to it: `0`, `0.1`, `0.1.0`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.console.forms import Form, number_of

N_ = str  # marks a text for the catalogue
MAX_NODES = 60
MAX_PLACE = 24  # characters, a few levels more than a rule may have
GROUPS = ("all", "any")
FORMS = {
    "tag": N_("the tag"),
    "attribute": N_("an attribute"),
    "event": N_("an event"),
    "contact": N_("a contact"),
    "consent": N_("a consent"),
    "message": N_("a message"),
}
COMPARISONS = {
    "equals": N_("is"),
    "differs": N_("is not"),
    "one_of": N_("is one of"),
    "contains": N_("contains"),
    "begins_with": N_("begins with"),
    "more": N_("is more than"),
    "at_least": N_("is at least"),
    "less": N_("is less than"),
    "at_most": N_("is at most"),
    "before": N_("is before the day"),
    "after": N_("is after the day"),
    "in_last": N_("is within the last days:"),
    "in_next": N_("is within the next days:"),
    "exists": N_("has any value"),
}
# What the inputs of a new condition show.
DEFAULTS = {
    "attribute": {"is": "equals"},
    "contact": {"contact": "app"},
    "message": {"message": "clicked", "days": "30"},
}
MESSAGES = {
    "sent": N_("was sent"),
    "delivered": N_("was delivered"),
    "clicked": N_("was clicked"),
    "opened": N_("was opened"),
}
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?", re.ASCII)
_TEXTS = ("contains", "begins_with", "before", "after")
_COUNTS = ("at_least", "days", "template", "topic")


@dataclass(frozen=True)
class Node:
    """A group or a condition. `fields` are what its inputs show."""

    form: str
    fields: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[Node, ...] = ()
    negated: bool = False

    @property
    def is_group(self) -> bool:
        return self.form in GROUPS

    def text(self, name: str) -> str:
        return self.fields.get(name, "")


def fresh() -> Node:
    return Node("all", parts=(Node("tag"),))


# -- from and to the API


def node_of(rule: Mapping[str, Any], *, negated: bool = False) -> Node:
    """Read a rule as a tree. What the editor does not show gets lost, as `shows` says."""
    if "not" in rule:
        return node_of(rule["not"], negated=not negated)
    for form in GROUPS:
        if form in rule:
            return Node(form, parts=tuple(map(node_of, rule[form])), negated=negated)
    form = next((name for name in FORMS if name in rule and name != "contact"), "contact")
    fields = {name: _shown(value) for name, value in rule.items() if name != "where"}
    for where in rule.get("where", ())[:1]:
        fields |= {f"where.{name}": _shown(value) for name, value in where.items()}
    return Node(form, fields, negated=negated)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def body(node: Node) -> dict[str, Any]:
    """Return the rule of a tree. The API refuses what was typed wrong."""
    made = _body(node)
    return {"not": made} if node.negated else made


def _body(node: Node) -> dict[str, Any]:
    if node.is_group:
        return {node.form: [body(part) for part in node.parts]}
    made: dict[str, Any] = {node.form: node.text(node.form)}
    for name, text in node.fields.items():
        if text and not name.startswith("where.") and name != node.form:
            made[name] = number_of(text) if name in _COUNTS else text
    if node.form == "attribute":
        made = {"attribute": node.text("attribute"), **_comparison(node, "")}
    elif node.text("where.property"):
        made["where"] = [{"property": node.text("where.property"), **_comparison(node, "where.")}]
    return made


def _comparison(node: Node, prefix: str) -> dict[str, Any]:
    kind = node.text(f"{prefix}is") or "equals"
    if kind == "exists":
        return {"is": kind}
    return {"is": kind, "value": _value(kind, node.text(f"{prefix}value"))}


def _value(kind: str, text: str) -> Any:
    if kind == "one_of":
        return [_scalar(part) for part in re.split(r"\s*[,，]\s*", text.strip()) if part]
    return text if kind in _TEXTS else _scalar(text)


def _scalar(text: str) -> Any:
    """Return the number that a text spells, else the text. A rule compares the two alike."""
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


def shows(rule: Mapping[str, Any]) -> bool:
    """Tell if the editor shows all of a rule, so that saving it loses nothing."""
    root = node_of(rule)
    nodes = [node for _, node in places(root)]
    is_exact = all(text == text.strip() for node in nodes for text in node.fields.values())
    return is_exact and root.is_group and _alike(body(root)) == _alike(rule)


def _alike(value: Any) -> Any:
    """Return a value in which texts and numbers that compare alike are the same."""
    if isinstance(value, Mapping):
        return {name: _alike(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_alike(inner) for inner in value]
    return _scalar(_shown(value))


# -- from a form, and its buttons


def read(form: Form) -> Node:
    """Read the tree. A node without its parent is left out."""
    places = [p for p in form.many("nodes")[:MAX_NODES] if len(p) <= MAX_PLACE]
    return _read(form, "0", places)


def _read(form: Form, place: str, places: Sequence[str]) -> Node:
    kind = form.text(f"{place}.form", "all")
    negated = form.text(f"{place}.negated") == "1"
    if kind in GROUPS:
        below = [p for p in places if p.rpartition(".")[0] == place]
        parts = tuple(_read(form, part, places) for part in below)
        return Node(kind, parts=parts, negated=negated)
    prefix = f"{place}.f."
    fields = {name: form.text(prefix + name) for name, _ in form.under(prefix)}
    return Node(kind if kind in FORMS else "tag", fields, negated=negated)


def act(root: Node, form: Form) -> Node:
    """Do what a button says: add a condition or a group to a group, or drop a part."""
    name, _, place = form.text("do").partition(":")
    numbers = [number_of(part) for part in place.split(".")[1:]]
    if name == "add":
        kind = form.text(f"{place}.new", "tag")
        new = Node(kind if kind in FORMS else "tag", DEFAULTS.get(kind, {}))
        return _changed(root, numbers, lambda group: _with(group, new))
    if name == "group":
        inner = Node("any", parts=(Node("tag"),))
        return _changed(root, numbers, lambda group: _with(group, inner))
    if name == "drop" and numbers:
        last = numbers[-1]
        return _changed(root, numbers[:-1], lambda group: _without(group, last))
    return root


def _with(group: Node, part: Node) -> Node:
    return replace(group, parts=(*group.parts, part))


def _without(group: Node, number: int | str) -> Node:
    return replace(group, parts=tuple(p for n, p in enumerate(group.parts) if n != number))


def _changed(node: Node, numbers: Sequence[int | str], change: Any) -> Node:
    if not numbers:
        return change(node) if node.is_group else node
    first, *rest = numbers
    parts = [_changed(p, rest, change) if n == first else p for n, p in enumerate(node.parts)]
    return replace(node, parts=tuple(parts))


def places(node: Node, place: str = "0") -> Iterator[tuple[str, Node]]:
    """Yield the nodes of a tree with their places."""
    yield place, node
    for n, part in enumerate(node.parts):
        yield from places(part, f"{place}.{n}")


def is_complete(root: Node) -> bool:
    """Tell if every condition names what it asks for."""
    return all(node.parts if node.is_group else node.text(node.form) for _, node in places(root))


def path_of(place: str, root: Node) -> str:
    """Return the path of a node in the rule, as the API names it in errors."""
    path, node = "rule", root
    path += ".not" if node.negated else ""
    for number in (int(part) for part in place.split(".")[1:]):
        path += f".{node.form}[{number}]"
        node = node.parts[number]
        path += ".not" if node.negated else ""
    return path
