"""Base of a provider's registry: methods that a platform does not have, and texts of vendors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from chalicelib.domain.errors import Rejected
from chalicelib.domain.provider_io import Account
from chalicelib.domain.third_party import Draft, Field, Keyword, Registered, Sort, Title

NOT_OFFERED = "not_offered"

MAX_FIELDS = 50
# A label, and a field. WeChat's own examples have a blank between the braces.
_FIELD = re.compile(
    r"([^\n{}]{0,60}?)[:：]?\s{0,5}\{\s?\{\s{0,5}([A-Za-z]\w{0,63})\.DATA\s{0,5}\}\s?\}", re.ASCII
)


class PlainRegistry:
    def __init__(self, account: Account) -> None:
        self.account = account

    def all(self) -> Sequence[Registered]:
        raise Rejected(NOT_OFFERED)

    def read(self, sort: Sort, id: str) -> Registered | None:
        raise Rejected(NOT_OFFERED)

    def create(self, draft: Draft) -> Registered:
        raise Rejected(NOT_OFFERED)

    def change(self, id: str, draft: Draft) -> Registered:
        raise Rejected(NOT_OFFERED)

    def delete(self, sort: Sort, id: str) -> None:
        raise Rejected(NOT_OFFERED)

    def titles(self) -> Sequence[Title]:
        raise Rejected(NOT_OFFERED)

    def keywords(self, id: str) -> Sequence[Keyword]:
        raise Rejected(NOT_OFFERED)

    def choose(self, id: str, keywords: Sequence[int], scene: str) -> str:
        raise Rejected(NOT_OFFERED)


def readable(value: Any, limit: int) -> str:
    """Return a vendor's text for people, without half characters, cut at a limit."""
    if not isinstance(value, str):
        return ""
    return value[:limit].encode("utf-8", "replace").decode()


def fields_in(
    text: str,
    kind_of: Callable[[str], str] = lambda name: "",
    allowed: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> tuple[Field, ...]:
    """Return the fields of a template's text, such as `Time:{{time1.DATA}}`, each once."""
    fields = {
        name: Field(name, label.strip(), kind_of(name), allowed.get(name, ()))
        for label, name in _FIELD.findall(text)
    }
    return tuple(fields.values())[:MAX_FIELDS]
