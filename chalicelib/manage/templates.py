"""Templates as operators make them: in versions that never change, previewed, checked, archived.

Everything here raises Invalid naming the field, NotFound for what is not there, and Stale when somebody else was faster.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Conflict, Invalid, NotFound, Stale
from chalicelib.domain.templates import (
    Alternatives,
    Content,
    Template,
    is_link,
    map_texts,
    render,
    values_of,
    variables,
)
from chalicelib.flow.content import render as content
from chalicelib.manage import access_channels
from chalicelib.manage.records import at_version
from chalicelib.ports import World

MAX_ALTERNATIVES = 10  # of a channel type, for platforms that differ in content; one at least
TEMPLATE_BYTES = 100_000  # of all contents of a template: what is larger will go to S3
# Above these, something is surely cut off or split on the way; a provider may take less.
LONG_TEXTS = {
    ChannelType.SMS: 500,
    ChannelType.APP: 1000,
    ChannelType.DINGTALK_CC: 500,
    ChannelType.WECHATWK: 2048,
}

_PLACEHOLDER = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def add(
    world: World,
    channel_key: str,
    name: str,
    contents: Mapping[ChannelType, Alternatives],
    links: Sequence[str] | None,
) -> Template:
    """`links` None: the variables named `url` or `…_url` are addresses that short links may stand for."""
    access_channels.get(world, channel_key)
    tracked = _checked(world, contents, links)
    template = Template(world.templates.next_number(), 1, channel_key, name, contents, tracked)
    world.templates.put(template)
    return template


def change(
    world: World,
    number: int,
    version: int | None,
    name: str,
    contents: Mapping[ChannelType, Alternatives],
    links: Sequence[str] | None,
) -> Template:
    """The next version. Messages that were accepted, or that pin an older one, keep theirs."""
    before = at_version(get(world, number), version)
    tracked = _checked(world, contents, links)
    return _put(
        world,
        replace(before, version=before.version + 1, name=name, contents=contents, links=tracked),
    )


def archive(world: World, number: int, version: int | None) -> None:
    """Nobody can send with it any more, and no list shows it; its versions can still be read."""
    before = at_version(get(world, number), version)
    _put(
        world,
        replace(before, version=before.version + 1, contents={}, links=frozenset(), archived=True),
    )


def _put(world: World, template: Template) -> Template:
    try:
        world.templates.put(template)
    except Conflict:
        raise Stale("somebody else made another version meanwhile") from None
    return template


def get(world: World, number: int) -> Template:
    found = world.templates.get(number)
    if found is None:
        raise NotFound("template")
    return found


def get_version(world: World, number: int, version: int) -> Template:
    found = world.templates.version(number, version)
    if found is None:
        raise NotFound("version of a template")
    return found


def page(world: World, channel_key: str, after: int = 0, limit: int = 0) -> Sequence[Template]:
    """Return a page of the newest versions of an access channel's templates."""
    return world.templates.list(channel_key, after=after, limit=limit)


def versions(world: World, number: int, after: int = 0, limit: int = 0) -> Sequence[Template]:
    """From the first one after a version on; 0: all, and any number."""
    found = world.templates.versions(number, after=after, limit=limit)
    if not found and not after:
        raise NotFound("template")
    return found


@dataclass(frozen=True)
class Preview:
    contents: Mapping[ChannelType, Alternatives]
    warnings: Sequence[str]


def preview(template: Template, values: Mapping[str, Any]) -> Preview:
    """What people would get; raises Invalid for a value that is missing or wrong."""
    texts = values_of(template, values)
    contents: dict[ChannelType, Alternatives] = {
        kind: render(given, texts)
        if isinstance(given, Mapping)
        else [render(one, texts) for one in given]
        for kind, given in template.contents.items()
    }
    known = _mentioned(template.contents)
    unknown = [f"{name}: no content has this variable" for name in values if name not in known]
    return Preview(contents, [*unknown, *too_long(contents)])


def warnings(template: Template) -> Sequence[str]:
    """What is allowed, and is perhaps not meant."""
    per_type = {kind: variables(content) for kind, content in template.contents.items()}
    everywhere = _mentioned(template.contents)
    partial = [
        f"{name}: only in {', '.join(kind for kind, names in per_type.items() if name in names)}"
        for name in sorted(everywhere)
        if not all(name in names for names in per_type.values())
    ]
    return [*partial, *too_long(template.contents)]


def too_long(contents: Mapping[ChannelType, Alternatives]) -> list[str]:
    found: list[str] = []
    for kind, given in contents.items():
        most = LONG_TEXTS.get(kind)
        lengths: list[int] = []
        map_texts(given, lambda text, lengths=lengths: lengths.append(len(text)) or text)  # type: ignore[misc]
        if most is not None and max(lengths, default=0) > most:
            found.append(
                f"contents.{kind}: a text of {max(lengths)} characters; more than {most} may be cut off or refused"
            )
    return found


def _mentioned(contents: Mapping[ChannelType, Alternatives]) -> frozenset[str]:
    return frozenset(name for content in contents.values() for name in variables(content))


def _checked(
    world: World, contents: Mapping[ChannelType, Alternatives], links: Sequence[str] | None
) -> frozenset[str]:
    """The variables that hold addresses; raises Invalid for contents that nothing could send."""
    _check_contents(world, contents)
    mentioned = _mentioned(contents)
    for n, link in enumerate(links or ()):
        if link not in mentioned:
            raise Invalid(f"links[{n}]", "no content has this variable")
    return frozenset(v for v in mentioned if is_link(v)) if links is None else frozenset(links)


def _check_contents(world: World, contents: Mapping[ChannelType, Alternatives]) -> None:
    if not contents:
        raise Invalid("contents", "at least one channel type")
    for kind, given in contents.items():
        for path, one in _places(kind, given):
            _check_content(world, kind, path, one)
        map_texts(given, lambda text, kind=kind: _check_placeholders(kind, text))  # type: ignore[misc]
    if len(json.dumps(contents, ensure_ascii=False).encode()) > TEMPLATE_BYTES:
        raise Invalid("contents", f"more than {TEMPLATE_BYTES} bytes")


def _places(kind: ChannelType, given: Alternatives) -> Iterator[tuple[str, Content]]:
    """Where each alternative stands."""
    path = f"contents.{kind}"
    if isinstance(given, Mapping):
        yield path, given
        return
    yield from ((f"{path}[{n}]", one) for n, one in enumerate(given))


def _check_content(world: World, kind: ChannelType, path: str, one: Content) -> None:
    try:
        content.check(world, kind, one)
    except Invalid as error:
        raise Invalid(
            ".".join(part for part in (path, error.field) if part), error.reason
        ) from None


def _check_placeholders(kind: ChannelType, text: str) -> str:
    for found in _PLACEHOLDER.findall(text):
        if not variables(found):
            raise Invalid(
                f"contents.{kind}",
                "{{…}} must hold the name of a variable: letters, digits, _ . - and Chinese, at most 64",
            )
    return text
