"""Refuse a message or a template that contains a sensitive word of its access channel.

The words stand in a file of their own, whose name the record of the access channel has. A container
reads a file once. Without the switch nothing is read or imported.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.domain import elements
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.errors import SensitiveWord, WordsGone
from chalicelib.domain.messages import Hold, Message
from chalicelib.domain.rules import personal
from chalicelib.domain.templates import Content
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.resolve import ResolvedSend
from chalicelib.flow.select import Selection, leave_out
from chalicelib.ports import World

if TYPE_CHECKING:
    from chalicelib.domain.rules.sensitive_words import Finder

RULE, SENSITIVE = "sensitive_words", "sensitive_value"
AROUND = 256  # characters around a value, more than a word has when it is spaced out
FINDERS = 8  # access channels whose words a container remembers

_finders: OrderedDict[str, Finder] = OrderedDict()


def for_message(world: World, request: SendRequest, resolved: ResolvedSend) -> Hold | None:
    """Raise SensitiveWord for a message with a word of its access channel."""
    finder = _finder(world, request.channel)
    if finder is not None:
        _check(finder, _of_message(request, resolved))
    return None


def for_targets(
    world: World, message: Message, selections: Sequence[Selection]
) -> Sequence[Selection]:
    """Leave out contents in which the values of a person make a word of the access channel."""
    access = world.settings.access_channel(message.channel_key) if message.personal else None
    finder = _finder(world, access) if access else None
    if finder is None:
        return selections
    known: dict[tuple[str, frozenset[tuple[str, str]]], bool] = {}

    def is_sensitive(code: str, values: Mapping[str, str]) -> bool:
        key = code, frozenset(values.items())
        if key not in known:
            content = message.contents[code]
            known[key] = any(map(finder.find_in_markup, _filled(content, values)))
        return known[key]

    def reasons(selection: Selection) -> dict[str, str]:
        values = {
            code: {name: text for name, text in selection.values.items() if name in taken.names}
            for code in selection.contacts
            if (taken := message.personal.get(code))
        }
        return {code: SENSITIVE for code, of in values.items() if is_sensitive(code, of)}

    return [leave_out(selection, reasons(selection)) for selection in selections]


def _filled(content: Content, values: Mapping[str, str]) -> Iterator[str]:
    """Yield what values make of a content, with the text around them. The rest was searched."""
    for _, text in _texts(content, ""):
        for part in personal.around(text, AROUND):
            yield str(personal.fill({"": part}, values)[""])


def check_contents(world: World, channel: AccessChannel, contents: Mapping[Any, Any]) -> None:
    """Raise SensitiveWord for a template with a word of its access channel."""
    finder = _finder(world, channel)
    if finder is not None:
        _check(
            finder, _texts({str(kind): of_kind for kind, of_kind in contents.items()}, "contents")
        )


def _check(finder: Finder, found: Iterable[tuple[str, str]]) -> None:
    seen: set[str] = set()
    for path, text in found:
        if text in seen:
            continue
        seen.add(text)
        hit = finder.find_in_markup(text)
        if hit is not None:
            raise SensitiveWord(path, word=hit.word, first=hit.first, last=hit.last)


def _of_message(request: SendRequest, resolved: ResolvedSend) -> Iterator[tuple[str, str]]:
    """Yield the texts of a message: its own contents, or values and what they make of a template.

    A word may come about where a value meets the text of its template.
    """
    if request.template is None:
        for kind, contents in request.contents.items():
            yield from _texts(contents, f"msg_{kind}")
        return
    yield from _texts(request.template_para, "template_para")
    for element in resolved.elements:
        name = f"{element.channel.type}[{elements.number_of(element.code) - 1}]"
        yield from _texts(element.content, f"template_id.{name}")


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    from chalicelib.domain.rules import sensitive_words

    return sensitive_words.texts(value, path)


def _finder(world: World, channel: AccessChannel) -> Finder | None:
    """Return the finder of an access channel whose switch is on. Read its words once."""
    settings = channel.rules.get(RULE)
    if not settings or not settings["on"] or not settings["file"]:
        return None
    name = settings["file"]
    if name not in _finders:
        from chalicelib.domain.rules.sensitive_words import Finder

        _finders[name] = Finder(read(world, name))
        while len(_finders) > FINDERS:
            _finders.popitem(last=False)
    _finders.move_to_end(name)
    return _finders[name]


def read(world: World, name: str) -> dict[str, bool]:
    """Read a file of words, each on or off. Raise WordsGone if the file is not there."""
    import json
    import zlib

    raw = world.files.read(name)
    if raw is None:
        raise WordsGone
    words: dict[str, bool] = json.loads(zlib.decompress(raw))
    return words


def write(world: World, name: str, words: Mapping[str, bool]) -> None:
    import json
    import zlib

    text = json.dumps(dict(sorted(words.items())), ensure_ascii=False, separators=(",", ":"))
    world.files.write(name, zlib.compress(text.encode(), 6), "application/octet-stream")
