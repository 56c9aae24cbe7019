"""Templates: one set of variables serves every channel.

`{{var}}` stands for the variable's value, in any text of a content.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from chalicelib.domain import links
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import ContentTooLarge, Invalid
from chalicelib.domain.limits import MAX_CONTENT
from chalicelib.domain.values import frozen

Content = Mapping[str, Any]
# A delivery channel sends each element that its platform accepts.
Elements = Content | Sequence[Content]

# Patterns are texts, so that `re` compiles them at their first use, not at a cold start.
# `user.…` is an attribute of the user, see domain/rules/personal.py.
_VARIABLE = r"\{\{\s*(?!user\.)([A-Za-z_一-鿿][\w.-]{0,63})\s*\}\}"
# What braces leave when the variables are taken out: `{{name}`, `{name}}`, `{{first name}}`.
# A Chinese keyboard writes `｛｛`. A lone `}}` may end a style sheet's rules.
_STRAY = r"\{\{|[｛｝]{2}|\{\s*[A-Za-z_一-鿿][\w.-]{0,63}\s*\}\}"
# Characters beside a variable that make it a part of a longer address.
_BEFORE = re.compile(r"[/=&?#%]\Z")
_AFTER = re.compile(r"[A-Za-z0-9/?&#=%]")


@frozen
class Template:
    """A version of a template.

    `links` are the variables whose value is an address that a short link may stand for.
    """

    number: int
    version: int
    channel_key: str
    name: str
    contents: Mapping[ChannelType, Elements]
    links: frozenset[str] = frozenset()
    archived: bool = False  # the last version of a template that can no longer be used


def elements_in(contents: Elements) -> tuple[Content, ...]:
    return (contents,) if isinstance(contents, Mapping) else tuple(contents)


def is_link(name: str) -> bool:
    """Return whether a variable holds an address by default: its name is `url` or `…_url`."""
    return name.lower() == "url" or name.lower().endswith("_url")


def has_stray_braces(text: str) -> bool:
    """Tell if braces are meant as a variable, but do not make one."""
    return re.search(_STRAY, re.sub(_VARIABLE, " ", text)) is not None


def touching(text: str, names: Collection[str]) -> frozenset[str]:
    """Return the variables of `names` that stand beside a letter, without a space between.

    Phones take letters into a link, and Android also takes Chinese punctuation after it.
    """
    return frozenset(
        variable[1]
        for variable in re.finditer(_VARIABLE, text)
        if variable[1] in names
        and (
            text[max(0, variable.start() - 1) : variable.start()].isalnum()
            or _is_taken_into_links(text[variable.end() : variable.end() + 1])
        )
    )


def _is_taken_into_links(after: str) -> bool:
    return after.isalnum() or (after > "\u2e80" and not after.isspace())


def variables(content: Any) -> frozenset[str]:
    """Return the names that a content's texts mention."""
    return frozenset(_mentions(content))


def placeholders(text: str) -> list[str]:
    """Return everything in a text between `{{` and the next `}}`, with both."""
    return [text[start:end] for start, end in _placeholders(text)]


def without_placeholders(text: str) -> str:
    """Return the rest of a text, such as for a length: the values come later."""
    kept, done = [], 0
    for start, end in _placeholders(text):
        kept.append(text[done:start])
        done = end
    return "".join((*kept, text[done:]))


def _placeholders(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of placeholders. A search by pattern takes the square of many `{{`."""
    end = 0
    while (start := text.find("{{", end)) >= 0 and (close := text.find("}}", start + 2)) >= 0:
        end = close + 2
        yield start, end


def render(
    content: Content,
    values: Mapping[str, str],
    *,
    escape: Callable[[str], str] = str,
    keep: Collection[str] = (),
) -> Content:
    """Replace the variables that `values` names. Others stay, to be filled in later (short links).

    Variables to `keep` stay too, unless they are a part of a longer address. A short link could not
    replace a part.
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
    """Render a single text, see `render`."""

    def value(variable: re.Match[str]) -> str:
        if variable[1] not in values or (variable[1] in keep and _is_alone(variable)):
            return variable[0]
        return escape(values[variable[1]])

    return re.sub(_VARIABLE, value, text)


def _is_alone(variable: re.Match[str]) -> bool:
    text, start = variable.string, variable.start()
    return not (
        _BEFORE.search(text, max(0, start - 1), start) or _AFTER.match(text, variable.end())
    )


def map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return a copy of a value with every text changed. Keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {k: map_texts(v, change) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [map_texts(v, change) for v in value]
    return value


def values_of(template: Template, parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables' values as texts.

    Raise Invalid for a variable without a value, or with a list or an object. Raise ContentTooLarge
    before a text is filled in more often than it fits.
    """
    mentions = [_mentions(a) for c in template.contents.values() for a in elements_in(c)]
    needed: set[str] = set().union(*mentions)
    values = {name: _value_of(name, parameters) for name in sorted(needed)}
    for name in sorted(needed & template.links):
        values[name] = values[name].strip()
        reason = links.refusal(values[name])
        if reason is not None and links.is_meant(values[name]):
            raise Invalid(f"template_para.{name}", reason)
    if any(_length(names, values) > MAX_CONTENT for names in mentions):
        raise ContentTooLarge("template_para", limit=MAX_CONTENT)
    return values


def fits(content: Any, values: Mapping[str, str]) -> bool:
    """Tell if values can be filled in: not more often than a content may be long."""
    return _length(_mentions(content), values) <= MAX_CONTENT


def _length(names: Mapping[str, int], values: Mapping[str, str]) -> int:
    return sum(len(values.get(name, "")) * times for name, times in names.items())


def _mentions(content: Content) -> Counter[str]:
    """Count how often the texts of a content mention each variable."""
    names: Counter[str] = Counter()

    def collect(text: str) -> str:
        names.update(re.findall(_VARIABLE, text))
        return text

    map_texts(content, collect)
    return names


def _value_of(name: str, parameters: Mapping[str, Any]) -> str:
    if name not in parameters:
        raise Invalid(f"template_para.{name}", "the template's variable has no value")
    value = parameters[name]
    if not isinstance(value, str | int | float):
        raise Invalid(f"template_para.{name}", "must be a text, a number, true or false")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if "{{" in text:  # it would be filled in again, or hide how long it is
        raise Invalid(f"template_para.{name}", "must not hold {{")
    return text
