"""The items of a copy that a stage should get back, where it lacks them.

A row that leads to a user or a record comes back with that, and never alone. Somebody may have left
a set, or renamed a record, since then. People who were erased since then stay erased. Members and
keys that were ended since then stay ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.groups import GROUPS, Family
from chalicelib.domain.logins import LOGINS
from chalicelib.domain.members import MEMBERS

Item = dict[str, Any]

BESIDE = ("list", "name")  # rows of `settings` that lead to a record
ENDED = (MEMBERS.name, LOGINS.name)
ERASURE = "/users/{userid}/erasure"
SETS = {
    "list": GROUPS[Family.LIST].name,
    "list-contacts": GROUPS[Family.LIST].name,
    "segment": GROUPS[Family.SEGMENT].name,
}


class Lost:
    """The memory of what came back, which decides about what belongs to it."""

    def __init__(self, at: datetime) -> None:
        self._at = int(at.timestamp() * 1000)
        self.erased: set[str] = set()
        self._records: set[tuple[str, str]] = set()  # kind and key
        self._names: set[tuple[str, str]] = set()  # kind and name
        self._users: set[str] = set()

    def erasures(self, settings: Iterable[Item]) -> Iterator[str]:
        """Yield people that were erased since the moment of the copy, as the audit log says."""
        for item in settings:
            is_entry = item["pk"]["S"].startswith(f"audit{keys.SEPARATOR}")
            if is_entry and item["route"]["S"].endswith(ERASURE) and self._is_later(item):
                yield json.loads(item["ids"]["S"])["userid"]

    def _is_later(self, entry: Item) -> bool:
        return int(entry["sk"]["S"].partition("-")[0]) >= self._at

    def belongs(self, table: str, item: Item) -> bool:
        """Tell if an item leads to another one, which is looked at before."""
        if table == "settings":
            return keys.split(item["pk"]["S"])[0] in BESIDE
        return table == "audiences"

    def comes_back(self, table: str, item: Item) -> bool:
        """Decide about an item that is missing, and remember what comes back."""
        if table == "users":
            userid = item["userid"]["S"]
            if userid in self.erased:
                return False
            self._users.add(userid)
            return True
        parts = keys.split(item["pk"]["S"])
        return self._setting(parts, item) if table == "settings" else self._row(parts, item)

    def _setting(self, parts: tuple[str, ...], item: Item) -> bool:
        kind, key = parts[0], item["sk"]["S"]
        if kind == "list":
            return (parts[1], key) in self._records
        if kind == "name":
            return (parts[1], parts[-1]) in self._names
        if kind in ENDED:
            return False
        self._records.add((kind, parts[-1]))
        if "name" in item:
            self._names.add((kind, item["name"]["S"]))
        return True

    def _row(self, parts: tuple[str, ...], item: Item) -> bool:
        """Decide about a row of `audiences`."""
        kind, sk = parts[0], item["sk"]["S"]
        if kind in SETS:
            userid = sk.partition(keys.SEPARATOR)[2]
            has_set = (SETS[kind], parts[1]) in self._records
            return userid not in self.erased and (has_set or userid in self._users)
        if kind == "tag":
            return sk.partition(keys.SEPARATOR)[2] in self._users
        if kind == "contact":
            return sk in self._users
        if kind == "consents":  # they do not say whose they are
            return not self.erased
        return kind in ("tags", "refused")
