"""Templates: one set of variables serves every channel. `{{var}}` stands for the variable's value, in any text of a content."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.domain import links
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid

Content = Mapping[str, Any]
Alternatives = (
    Content | Sequence[Content]
)  # a delivery channel's platform takes the first that has its shape

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_一-鿿][\w一-鿿.-]{0,63})\s*\}\}")
_BEFORE, _AFTER = (
    re.compile(r"[/=&?#%]\Z"),
    re.compile(r"[A-Za-z0-9/?&#=%]"),
)  # what makes a variable a part of a longer address


@dataclass(frozen=True)
class Template:
    """A version of a general template. `links` are the variables whose value is an address that a short link may stand for."""

    number: int
    version: int
    channel_key: str
    name: str
    contents: Mapping[ChannelType, Alternatives]
    links: frozenset[str] = frozenset()
    archived: bool = False  # the last version of a template that nobody can use any more


def alternatives(contents: Alternatives) -> tuple[Content, ...]:
    return (contents,) if isinstance(contents, Mapping) else tuple(contents)


def is_link(name: str) -> bool:
    """By default, a variable named `url` or `…_url` holds an address."""
    return name.lower() == "url" or name.lower().endswith("_url")


def variables(content: Any) -> frozenset[str]:
    """The names that a content's texts mention."""
    found: set[str] = set()
    map_texts(content, lambda text: found.update(_VARIABLE.findall(text)) or text)  # type: ignore[func-returns-value]
    return frozenset(found)


def render(
    content: Content,
    values: Mapping[str, str],
    *,
    escape: Callable[[str], str] = str,
    keep: Collection[str] = (),
) -> Content:
    """Replace the variables that `values` names; others stay as they are, to be filled in later (short links).

    So do those to `keep`, but where one is a part of a longer address, which a short link would not be.
    """
    rendered: Content = map_texts(
        content, lambda text: fill(text, values, escape=escape, keep=keep)
    )
    return rendered


def fill(
    text: str,
    values: Mapping[str, str],
    *,
    escape: Callable[[str], str] = str,
    keep: Collection[str] = (),
) -> str:
    """`render`, of a single text."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in values or (found[1] in keep and _is_alone(found)):
            return found[0]
        return escape(values[found[1]])

    return _VARIABLE.sub(value, text)


def _is_alone(found: re.Match[str]) -> bool:
    return not (
        _BEFORE.search(found.string, max(0, found.start() - 1), found.start())
        or _AFTER.match(found.string, found.end())
    )


def map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """The same value with every text changed; keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {k: map_texts(v, change) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [map_texts(v, change) for v in value]
    return value


def values_of(template: Template, given: Mapping[str, Any]) -> dict[str, str]:
    """The variables' values as texts; raises Invalid for one without a value or with one that is no text or number."""
    needed = frozenset(
        name for content in template.contents.values() for name in variables(content)
    )
    values: dict[str, str] = {}
    for name in sorted(needed):
        if name not in given:
            raise Invalid(f"template_para.{name}", "the template's variable has no value")
        value = given[name]
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Invalid(f"template_para.{name}", "must be a text or a number")
        values[name] = str(value)
        if "{{" in values[name]:  # it would be filled in again, or hide how long it is
            raise Invalid(f"template_para.{name}", "must not hold {{")
    for name in sorted(needed & template.links):
        values[name] = values[name].strip()
        reason = links.refusal(values[name])
        if reason is not None and links.is_meant(values[name]):
            raise Invalid(f"template_para.{name}", reason)
    return values
