"""4b. Links that stand in a content itself, not in a variable, become variables too, so that short links can stand for them.

In a mail's HTML these are the addresses of `<a href>`; elsewhere the fields that the provider's capabilities name.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from chalicelib.domain.templates import MAX_ADDRESS, Content

MAX_LINKS, MAX_BYTES = 200, 32_000  # of a message: a token numbers them with one byte, and they are stored with the message

_HREF = re.compile(r"(<a\s[^<>]*?\bhref\s*=\s*)(?:\"([^\"<>]*)\"|'([^'<>]*)')", re.IGNORECASE)
_SUBSCRIPTIONS = ("unsubscribe", "退订", "%E9%80%80%E8%AE%A2")  # who wants to leave is not counted as somebody who came


class Links:
    """Addresses and the variables that stand for them: those of the template, and ours, each address once."""

    def __init__(self, found: Mapping[str, str], taken: Collection[str]) -> None:
        self.found = dict(found)
        self._taken = {*taken, *found}
        self._names = {address: name for name, address in self.found.items()}

    def name(self, address: str) -> str | None:
        """The variable for an address; None where it stays as it is."""
        if not _is_counted(address):
            return None
        if address not in self._names:
            if len(self.found) >= MAX_LINKS or sum(map(len, self.found.values())) + len(address.encode()) > MAX_BYTES:
                return None
            name = next(name for n in range(1, len(self._taken) + 2) if (name := f"_link{n}") not in self._taken)
            self._taken.add(name)
            self.found[name], self._names[address] = address, name
        return self._names[address]


def _is_counted(address: str) -> bool:
    if not address.lower().startswith(("https://", "http://")) or "{{" in address:
        return False
    if len(address.encode("utf-8", "surrogatepass")) > MAX_ADDRESS:
        return False
    return not any(word.lower() in address.lower() for word in _SUBSCRIPTIONS)


def in_html(text: str, links: Links) -> str:
    """HTML with variables for the addresses that its links lead to."""

    def change(found: re.Match[str]) -> str:
        address = html.unescape(found[2] if found[2] is not None else found[3]).strip()
        name = links.name(address)
        return f'{found[1]}"{{{{{name}}}}}"' if name else found[0]

    return _HREF.sub(change, text)


def in_fields(content: Content, paths: Sequence[str], links: Links) -> Content:
    """A content with variables for the addresses in its fields: `msg.action_card.btn_json_list.*.action_url`."""

    def change(value: Any) -> Any:
        name = links.name(value) if isinstance(value, str) else None
        return f"{{{{{name}}}}}" if name else value

    for path in paths:
        content = _changed(content, path.split("."), change)
    return content


def _changed(value: Any, path: Sequence[str], change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(value)
    if isinstance(value, Mapping):
        wanted = value.keys() if path[0] == "*" else {path[0]} & value.keys()
        return {key: _changed(each, path[1:], change) if key in wanted else each for key, each in value.items()}
    if isinstance(value, list | tuple) and path[0] == "*":
        return [_changed(each, path[1:], change) for each in value]
    return value
