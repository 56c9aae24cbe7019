"""Advice on a template: what its contents probably do not mean."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.rules import personal
from chalicelib.domain.templates import Elements, Template, map_texts, touching, variables
from chalicelib.domain.warnings import Code, Warning

# Characters. A longer text is surely cut off or split on the way. A provider may take less.
LONG_TEXTS = {
    ChannelType.SMS: 500,
    ChannelType.APP: 1000,
    ChannelType.DINGTALK_CC: 500,
    ChannelType.WECHATWK: 2048,
}


def warnings(template: Template) -> list[Warning]:
    """Return warnings of what is allowed but may be a mistake."""
    per_type = {kind: variables(content) for kind, content in template.contents.items()}
    everywhere = mentioned(template.contents)
    partial = [
        Warning(
            name,
            Code.NOT_EVERYWHERE,
            {"types": [kind.value for kind, names in per_type.items() if name in names]},
        )
        for name in sorted(everywhere)
        if not all(name in names for names in per_type.values())
    ]
    lacking = _lacking(template, ())
    return [*partial, *_beside_letters(template), *lacking, *too_long(template.contents)]


def of_preview(
    template: Template,
    contents: Mapping[ChannelType, Elements],
    values: Collection[str],
    attributes: Collection[str],
) -> list[Warning]:
    """Return warnings of contents that a template makes of values and attributes of a user."""
    taken = personal.names_in(template.contents).names
    known = {*mentioned(template.contents), *map(personal.PREFIX.__add__, taken)}
    unknown = [Warning(name, Code.NOT_A_VARIABLE) for name in values if name not in known]
    return [*unknown, *_lacking(template, attributes), *too_long(contents)]


def mentioned(contents: Mapping[ChannelType, Elements]) -> frozenset[str]:
    """Return the variables of contents."""
    return frozenset(name for content in contents.values() for name in variables(content))


def texts_of(elements: Elements) -> Sequence[str]:
    """Return every text of a content or of its elements."""
    texts: list[str] = []

    def collect(text: str) -> Any:
        texts.append(text)
        return text

    map_texts(elements, collect)
    return texts


def too_long(contents: Mapping[ChannelType, Elements]) -> Iterator[Warning]:
    """Yield a warning for each channel type with a text that may be cut off or refused."""
    for kind, elements in contents.items():
        most = LONG_TEXTS.get(kind)
        longest = max(map(len, texts_of(elements)), default=0)
        if most is not None and longest > most:
            yield Warning(f"contents.{kind}", Code.LONG_TEXT, {"length": longest, "most": most})


def _lacking(template: Template, attributes: Collection[str]) -> list[Warning]:
    return [
        Warning(f"{personal.PREFIX}{name}", Code.NO_DEFAULT)
        for name in personal.names_in(template.contents).needed
        if name not in attributes
    ]


def _beside_letters(template: Template) -> list[Warning]:
    """Return a warning for each link that people's phones would take longer than it is."""
    return [
        Warning(f"contents.{kind}", Code.LINK_BESIDE_LETTER, {"name": name})
        for kind, elements in template.contents.items()
        for name in sorted(
            {name for text in texts_of(elements) for name in touching(text, template.links)}
        )
    ]
