"""Replace addresses in a content by variables, so that short links can stand for them.

In a mail's HTML these are the addresses of `<a href>`. Elsewhere they are those in the places that
the provider's capabilities name. Addresses are looked for before the template's variables are
filled in. Links inside template values are never shortened, so a value cannot make our domain
redirect to an attacker's address. For the same reason an address that merely stands in a text
stays as it is: people see where it leads, and somebody else may have written it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from chalicelib.domain.links import refusal
from chalicelib.domain.provider_io import Clickable
from chalicelib.domain.templates import Content, fill

# Of a message. A token numbers links with one byte, and links are stored with the message.
MAX_LINKS, MAX_BYTES = 200, 32_000

Change = Callable[[str], str]
Changes = Sequence[tuple[Sequence[str], Change]]  # (rest of the path, change of the text there)

_MARKDOWN = r"(\]\(\s*)([^\s()<>]+)(?=[\s)])"  # compiled with the first text of a chat
# A click on one of these is not a visit: the person wants to leave.
_SUBSCRIPTIONS = ("unsubscribe", "退订", "%e9%80%80%e8%ae%a2")


class Links:
    """Addresses and the variables that stand for them, each address once.

    A variable is one of the template's, or a new one. `taken` are names that a new variable must
    not have.
    """

    def __init__(self, addresses: Mapping[str, str], taken: Collection[str]) -> None:
        self.addresses = dict(addresses)
        self._bytes = sum(len(address.encode()) for address in addresses.values())
        self._taken = {*taken, *addresses}
        self._names = {address: name for name, address in addresses.items()}

    def keep(self, name: str, address: str) -> bool:
        """Let a variable of the template stand for its address. Return True if it does."""
        if name not in self.addresses and self._takes(address):
            self._add(name, address)
            self._names.setdefault(address, name)
        return name in self.addresses

    def name(self, address: str) -> str | None:
        """Return the variable for an address, None where the address stays as it is."""
        if address not in self._names:
            if not self._takes(address):
                return None
            numbered = (f"_link{n}" for n in range(1, len(self._taken) + 2))
            name = next(name for name in numbered if name not in self._taken)
            self._taken.add(name)
            self._names[address] = name
            self._add(name, address)
        return self._names[address]

    def _add(self, name: str, address: str) -> None:
        self.addresses[name] = address
        self._bytes += len(address.encode())

    def _takes(self, address: str) -> bool:
        if len(self.addresses) >= MAX_LINKS or not _is_counted(address):
            return False
        return self._bytes + len(address.encode()) <= MAX_BYTES


def _is_counted(address: str) -> bool:
    if "{{" in address or refusal(address) is not None:
        return False
    return not any(part in address.lower() for part in _SUBSCRIPTIONS)


def in_html(text: str, links: Links, complete: Change = str) -> str:
    """Replace the addresses of the links in an HTML text by variables.

    `complete` fills in the variables of an address.
    """
    from chalicelib.flow.content.anchors import addresses, decoded  # few contents are HTML

    pieces: list[str] = []
    end = 0
    for address in addresses(text):
        name = links.name(complete(decoded(address.value)).strip())
        if name:
            pieces += [text[end : address.start], f'"{{{{{name}}}}}"']
            end = address.end
    return "".join([*pieces, text[end:]])


def in_text(text: str, links: Links, complete: Change = str) -> str:
    """Replace the addresses of the links in a chat's text, HTML's and Markdown's, by variables."""

    def change(match: re.Match[str]) -> str:
        name = links.name(complete(match[2]))
        return f"{match[1]}{{{{{name}}}}}" if name else match[0]

    return re.sub(_MARKDOWN, change, in_html(text, links, complete))


def map_addresses(
    content: Content,
    clickable: Clickable,
    links: Links,
    values: Mapping[str, str],
    keep: Collection[str],
) -> Content:
    """Fill in a content, with variables for the addresses that people can open.

    `keep` are the template's variables that short links stand for.
    """

    def complete(text: str) -> str:
        return fill(text, values)

    def address(text: str) -> str:
        filled = complete(text)
        name = links.name(filled)
        return f"{{{{{name}}}}}" if name else filled

    def linked(text: str) -> str:
        return fill(in_text(text, links, complete), values, keep=keep)

    changes = [(path.split("."), address) for path in clickable.addresses]
    changes += [(path.split("."), linked) for path in clickable.texts]
    changed: Content = _changed(content, changes, clickable.instead, complete)
    return changed


def _changed(value: Any, changes: Changes, instead: Sequence[str], otherwise: Change) -> Any:
    """Return a content with its texts changed: by `changes` at their paths, else by `otherwise`.

    If a field of `instead` is filled in, the platform opens what this field names. Then the address
    beside the field is changed by `otherwise`, too.
    """
    if isinstance(value, str):
        return next((change for path, change in changes if not path), otherwise)(value)
    if isinstance(value, Mapping):
        if any(_is_filled(value.get(name)) for name in instead):
            changes = [(path, change) for path, change in changes if len(path) != 1]
        return {
            key: _changed(field, _below(changes, key), instead, otherwise)
            for key, field in value.items()
        }
    if isinstance(value, list | tuple):
        return [_changed(entry, _below(changes, "*"), instead, otherwise) for entry in value]
    return value


def _is_filled(value: Any) -> bool:
    """Tell if a field leads anywhere, which one with nothing but empty fields does not."""
    return any(value.values()) if isinstance(value, Mapping) else bool(value)


def _below(changes: Changes, key: str) -> Changes:
    return [(path[1:], change) for path, change in changes if path and path[0] == key]
