"""Templates as operators change them, in versions that never change.

Functions here raise Invalid naming a field, NotFound, and Stale for a later version.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain import template_advice
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Conflict, Invalid, NotFound, PlaceholderWrong, Stale
from chalicelib.domain.rules import personal
from chalicelib.domain.templates import (
    Content,
    Elements,
    Template,
    elements_in,
    has_stray_braces,
    is_link,
    render,
    values_of,
)
from chalicelib.domain.values import frozen
from chalicelib.domain.warnings import Warning
from chalicelib.flow.content import render as content
from chalicelib.flow.rules import sensitive_words, third_party
from chalicelib.manage import access_channels
from chalicelib.manage.records import at_version
from chalicelib.ports import World

MAX_ELEMENTS = 10  # of a channel type. One at least.
TEMPLATE_BYTES = 100_000  # of all contents of a template: what is larger will go to S3


def new(
    world: World,
    channel_key: str,
    name: str,
    contents: Mapping[ChannelType, Elements],
    links: Sequence[str] | None,
) -> Template:
    """Return a new template, which is not stored yet.

    `links` are the variables whose address a short link may replace. None means those that are
    named `url` or `…_url`.
    """
    tracked = _checked(world, channel_key, contents, links)
    return Template(world.templates.next_number(), 1, channel_key, name, contents, tracked)


def add(
    world: World,
    channel_key: str,
    name: str,
    contents: Mapping[ChannelType, Elements],
    links: Sequence[str] | None,
) -> Template:
    """Store a new template at once, without a review."""
    template = new(world, channel_key, name, contents, links)
    world.templates.put(template)
    return template


def following(
    world: World,
    number: int,
    version: int | None,
    name: str,
    contents: Mapping[ChannelType, Elements],
    links: Sequence[str] | None,
) -> Template:
    """Return the next version, which is not stored yet."""
    before = at_version(get(world, number), version)
    return revised(world, replace(before, version=before.version + 1), name, contents, links)


def revised(
    world: World,
    template: Template,
    name: str,
    contents: Mapping[ChannelType, Elements],
    links: Sequence[str] | None,
) -> Template:
    """Return a version that is not stored yet, with other contents."""
    tracked = _checked(world, template.channel_key, contents, links)
    return replace(template, name=name, contents=contents, links=tracked)


def change(
    world: World,
    number: int,
    version: int | None,
    name: str,
    contents: Mapping[ChannelType, Elements],
    links: Sequence[str] | None,
) -> Template:
    """Make the next version. Messages that were accepted, or pin an older version, keep theirs."""
    return put(world, following(world, number, version, name, contents, links))


def archive(world: World, number: int, version: int | None) -> None:
    """End a template: nobody can send with it and no list shows it. Its versions stay readable."""
    before = at_version(get(world, number), version)
    put(
        world,
        replace(before, version=before.version + 1, contents={}, links=frozenset(), archived=True),
    )


def put(world: World, template: Template) -> Template:
    """Store a version. Raise Stale if another one was faster."""
    try:
        world.templates.put(template)
    except Conflict:
        raise Stale("somebody else made another version meanwhile") from None
    return template


def get(world: World, number: int) -> Template:
    template = world.templates.get(number)
    if template is None:
        raise NotFound("template")
    return template


def get_version(world: World, number: int, version: int) -> Template:
    template = world.templates.version(number, version)
    if template is None:
        raise NotFound("version of a template")
    return template


def page(world: World, channel_key: str, after: int = 0, limit: int = 0) -> Sequence[Template]:
    """Return a page of the newest versions of an access channel's templates."""
    return world.templates.list(channel_key, after=after, limit=limit)


def versions(world: World, number: int, after: int = 0, limit: int = 0) -> Sequence[Template]:
    """Return versions in their order, from the one after `after` on. Limit 0 means all."""
    templates = world.templates.versions(number, after=after, limit=limit)
    if not templates and not after:
        raise NotFound("template")
    return templates


@frozen
class Preview:
    contents: Mapping[ChannelType, Elements]
    warnings: Sequence[Warning]


def preview(template: Template, values: Mapping[str, Any]) -> Preview:
    """Render a template. Raise Invalid for a value that is missing or wrong.

    Values named `user.…` stand for attributes of a user.
    """
    texts, attributes = values_of(template, values), _attributes(values)
    contents: dict[ChannelType, Elements] = {}
    for kind, elements in template.contents.items():
        rendered = [
            personal.fill(render(element, texts), attributes, keep=attribute_names(template))
            for element in elements_in(elements)
        ]
        contents[kind] = rendered[0] if isinstance(elements, Mapping) else rendered
    return Preview(contents, template_advice.of_preview(template, contents, values, attributes))


def attribute_names(template: Template) -> tuple[str, ...]:
    """Return the attributes of users that a template takes."""
    return personal.names_in(template.contents).names


def _attributes(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the attributes of the user for whom a template is shown. Raises Invalid."""
    named = {
        name.removeprefix(personal.PREFIX): value
        for name, value in values.items()
        if name.startswith(personal.PREFIX)
    }
    texts = personal.values_of(named, named)
    for name, text in texts.items():
        field = f"template_para.{personal.PREFIX}{name}"
        if len(text) > personal.MAX_VALUE:
            raise Invalid(field, "more than {most} characters", most=personal.MAX_VALUE)
        if "{{" in text:
            raise Invalid(field, "must not hold {{")
    return texts


def _checked(
    world: World,
    channel_key: str,
    contents: Mapping[ChannelType, Elements],
    links: Sequence[str] | None,
) -> frozenset[str]:
    """Return the variables that hold addresses. Raise Invalid for contents that cannot be sent."""
    channel = access_channels.get(world, channel_key)
    _check_contents(world, contents)
    third_party.check_contents(world, channel, contents)
    sensitive_words.check_contents(world, channel, contents)
    mentioned = template_advice.mentioned(contents)
    for n, link in enumerate(links or ()):
        if link not in mentioned:
            raise Invalid(f"links[{n}]", "no content has this variable")
    return frozenset(v for v in mentioned if is_link(v)) if links is None else frozenset(links)


def _check_contents(world: World, contents: Mapping[ChannelType, Elements]) -> None:
    if not contents:
        raise Invalid("contents", "at least one channel type")
    for kind, elements in contents.items():
        for path, element in _with_paths(kind, elements):
            _check_content(world, kind, path, element)
            if any(
                has_stray_braces(personal.without(text))
                for text in template_advice.texts_of(element)
            ):
                raise PlaceholderWrong(path)
    if len(personal.names_in(contents).names) > personal.MAX_NAMES:
        raise Invalid("contents", "more than {most} attributes of users", most=personal.MAX_NAMES)
    if len(json.dumps(contents, ensure_ascii=False).encode()) > TEMPLATE_BYTES:
        raise Invalid("contents", "more than {most} bytes", most=TEMPLATE_BYTES)


def _with_paths(kind: ChannelType, elements: Elements) -> Iterator[tuple[str, Content]]:
    """Yield each element with its path in the template."""
    path = f"contents.{kind}"
    if isinstance(elements, Mapping):
        yield path, elements
        return
    for n, element in enumerate(elements):
        yield f"{path}[{n}]", element


def _check_content(world: World, kind: ChannelType, path: str, element: Content) -> None:
    try:
        content.check(world, [kind], element)
    except Invalid as error:
        field = f"{path}.{error.field}" if error.field else path
        raise Invalid(field, error.reason) from None
