"""Personal values: a template's text may take an attribute of the user who gets it.

`{{user.name}}` stands for the attribute `name`, and `{{user.name|default:"friend"}}` says what
stands for it where a user has none. Without a default, who has none falls out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.templates import Content, map_texts

NO_VALUE, UNFIT = "no_value", "unfit_value"
MAX_VALUE = 500  # characters
MAX_NAMES = 20  # attributes that the contents of a message take
PREFIX = "user."

Values = Mapping[str, str]  # attribute -> text

# A text, so that `re` compiles it at its first use, not at a cold start.
_PLACEHOLDER = (
    r"\{\{\s*user\.([\w$-]{1,64})\s*"
    r"(?:\|\s*default\s*:\s*(?:\"([^\"{}]{0,100})\"|'([^'{}]{0,100})'|&quot;([^\"{}&]{0,100})&quot;)"
    r"\s*)?\}\}"
)


class Personal(NamedTuple):
    """The attributes that a content takes, in order, and those that it cannot do without.

    `is_shared`: a call carries one content, so people with equal values share their calls.
    """

    names: tuple[str, ...]
    needed: tuple[str, ...]
    is_shared: bool = False

    @staticmethod
    def of(raw: Sequence[Any]) -> Personal:
        """Read what was stored of a message."""
        names, needed, is_shared = raw
        return Personal(tuple(names), tuple(needed), is_shared)


def names_in(content: Any) -> Personal:
    """Return the attributes that a content takes."""
    names: dict[str, None] = {}
    needed: dict[str, None] = {}

    def collect(text: str) -> str:
        for place in re.finditer(_PLACEHOLDER, text):
            names[place[1]] = None
            if _default(place) is None:
                needed[place[1]] = None
        return text

    map_texts(content, collect)
    return Personal(tuple(sorted(names)), tuple(sorted(needed)))


def without(text: str) -> str:
    """Return a text without the placeholders of attributes."""
    return re.sub(_PLACEHOLDER, " ", text)


def around(text: str, width: int) -> Iterator[str]:
    """Yield the parts of a text around its placeholders, with some `width` characters on each side.

    Parts end at a blank if there is one nearby. Parts that meet are one, so that together they are
    never longer than the text.
    """
    begin = end = -1
    for place in re.finditer(_PLACEHOLDER, text):
        if begin >= 0 and place.start() - width > end:
            yield text[begin:end]
            begin = -1
        if begin < 0:
            start = max(0, place.start() - width)
            blank = text.find(" ", start, place.start() - width // 2) if start else -1
            begin = max(start, blank)
        stop = place.end() + width
        blank = text.rfind(" ", place.end() + width // 2, stop)
        end = stop if blank < 0 or stop >= len(text) else blank
    if begin >= 0:
        yield text[begin:end]


def fill(
    content: Content,
    values: Values,
    *,
    escape: Callable[[str], str] = str,
    keep: Collection[str] = (),
) -> Content:
    """Replace the placeholders of attributes by values or defaults.

    An attribute of `keep` that has neither stays a placeholder. Elsewhere it is empty.
    """

    def value(place: re.Match[str]) -> str:
        text = values.get(place[1], _default(place))
        if text is None:
            return place[0] if place[1] in keep else ""
        return escape(text)

    filled: Content = map_texts(content, lambda text: re.sub(_PLACEHOLDER, value, text))
    return filled


def _default(place: re.Match[str]) -> str | None:
    return next((text for text in place.groups()[1:] if text is not None), None)


def text_of(value: Any) -> str | None:
    """Return an attribute as text, None if a text cannot take the value."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    return value.strip() or None if isinstance(value, str) else None


def values_of(attributes: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """Return the values that a user has of these attributes."""
    texts = {name: text_of(attributes.get(name)) for name in names}
    return {name: text for name, text in texts.items() if text is not None}


def is_unfit(values: Values, names: Collection[str]) -> bool:
    """Tell if a value is too long, or would be taken for a placeholder."""
    return any(
        len(text) > MAX_VALUE or "{{" in text for name, text in values.items() if name in names
    )


def calls(
    refs: Sequence[DeliveryRef], size: int, values: Sequence[Values], personal: Personal | None
) -> Iterator[Sequence[DeliveryRef]]:
    """Cut deliveries into calls, in the order of call ranges.

    Where a call carries one content, deliveries with equal values stand together in it.
    """
    groups: dict[tuple[str | None, ...], list[DeliveryRef]] = {(): list(refs)}
    if personal is not None and personal.is_shared:
        groups = {}
        for ref in refs:
            of_target = values[ref.target] if values else {}
            key = tuple(of_target.get(name) for name in personal.names)
            groups.setdefault(key, []).append(ref)
    for group in groups.values():
        for start in range(0, len(group), size):
            yield group[start : start + size]
