"""4b. Addresses that stand in a content become variables, so that short links can stand for them.

In a mail's HTML these are the addresses of `<a href>`; elsewhere those in the places that the provider's capabilities name. All are
looked for before the template's variables are filled in: whoever only supplies a value gets no link of ours to where he likes. For the
same reason an address that merely stands in a text stays as it is: people see where it leads, and it may be somebody else's words.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from html.entities import html5
from typing import Any

from chalicelib.domain.links import refusal
from chalicelib.domain.provider_io import Clickable
from chalicelib.domain.templates import Content, fill

MAX_LINKS, MAX_BYTES = (
    200,
    32_000,
)  # of a message: a token numbers them with one byte, and they are stored with the message

Change = Callable[[str], str]
Places = Sequence[
    tuple[Sequence[str], Change]
]  # the rest of the way to each place, and what becomes of the text there

_HREF = re.compile(r"(<a\s[^<>]*?\bhref\s*=\s*)(?:\"([^\"<>]*)\"|'([^'<>]*)')", re.IGNORECASE)
_MARKDOWN = re.compile(r"(\]\(\s*)([^\s()<>]+)(?=[\s)])")
# With a semicolon, or in the old way without one, but not in the midst of a query: `&region=2` is no `&reg;`.
_REFERENCE = re.compile(
    r"&(#(?:\d{1,7}|[xX][0-9a-fA-F]{1,6});?|[A-Za-z][A-Za-z0-9]{1,31}(?:;|(?![=A-Za-z0-9;])))",
    re.ASCII,
)
_SUBSCRIPTIONS = (
    "unsubscribe",
    "退订",
    "%e9%80%80%e8%ae%a2",
)  # who wants to leave is not counted as somebody who came


class Links:
    """Addresses and the variables that stand for them: those of the template, and ours, each address once."""

    def __init__(self, found: Mapping[str, str], taken: Collection[str]) -> None:
        self.found = dict(found)
        self._taken = {*taken, *found}
        self._names = {address: name for name, address in self.found.items()}

    def keep(self, name: str, address: str) -> bool:
        """Whether a variable of the template's own stands for its address from here on."""
        if name not in self.found and self._takes(address):
            self.found[name] = address
            self._names.setdefault(address, name)
        return name in self.found

    def name(self, address: str) -> str | None:
        """The variable for an address; None where it stays as it is."""
        if address not in self._names:
            if not self._takes(address):
                return None
            name = next(
                name
                for n in range(1, len(self._taken) + 2)
                if (name := f"_link{n}") not in self._taken
            )
            self._taken.add(name)
            self.found[name], self._names[address] = address, name
        return self._names[address]

    def _takes(self, address: str) -> bool:
        if len(self.found) >= MAX_LINKS or not _is_counted(address):
            return False
        return sum(len(each.encode()) for each in (*self.found.values(), address)) <= MAX_BYTES


def _is_counted(address: str) -> bool:
    if "{{" in address or refusal(address) is not None:
        return False
    return not any(word in address.lower() for word in _SUBSCRIPTIONS)


def in_html(text: str, links: Links, complete: Change = str) -> str:
    """HTML with variables for the addresses that its links lead to. `complete` fills in the variables of an address."""

    def change(found: re.Match[str]) -> str:
        name = links.name(
            complete(_attribute(found[2] if found[2] is not None else found[3])).strip()
        )
        return f'{found[1]}"{{{{{name}}}}}"' if name else found[0]

    return _HREF.sub(change, text)


def _attribute(text: str) -> str:
    """An attribute's value as browsers read it, which is not quite what `html.unescape` does."""
    return _REFERENCE.sub(
        lambda found: (
            html.unescape(found[0]) if found[1][0] == "#" else html5.get(found[1], found[0])
        ),
        text,
    )


def in_text(text: str, links: Links, complete: Change = str) -> str:
    """The same for a chat's text, whose links are `<a href="…">` and those of Markdown."""

    def change(found: re.Match[str]) -> str:
        name = links.name(complete(found[2]))
        return f"{found[1]}{{{{{name}}}}}" if name else found[0]

    return _MARKDOWN.sub(change, in_html(text, links, complete))


def in_places(
    content: Content,
    where: Clickable,
    links: Links,
    values: Mapping[str, str],
    keep: Collection[str],
) -> Content:
    """A content with its variables filled in, and in the places where people can open an address, variables for these.

    `keep`: the template's own variables that short links stand for.
    """

    def complete(text: str) -> str:
        return fill(text, values)

    def address(text: str) -> str:
        filled = complete(text)
        name = links.name(filled)
        return f"{{{{{name}}}}}" if name else filled

    places = [(path.split("."), address) for path in where.addresses]
    places += [
        (path.split("."), lambda text: fill(in_text(text, links, complete), values, keep=keep))
        for path in where.texts
    ]
    changed: Content = _changed(content, places, where.instead, complete)
    return changed


def _changed(value: Any, places: Places, instead: Sequence[str], otherwise: Change) -> Any:
    if isinstance(value, str):
        return next((change for path, change in places if not path), otherwise)(value)
    if isinstance(value, Mapping):
        if any(_says(value.get(name)) for name in instead):
            places = [(path, change) for path, change in places if len(path) != 1]
        return {
            key: _changed(each, _below(places, key), instead, otherwise)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_changed(each, _below(places, "*"), instead, otherwise) for each in value]
    return value


def _says(value: Any) -> bool:
    """What has nothing but empty fields leads nowhere."""
    return any(value.values()) if isinstance(value, Mapping) else bool(value)


def _below(places: Places, key: str) -> Places:
    return [(path[1:], change) for path, change in places if path and path[0] == key]
