"""Records that operators configure: one store for every kind.

To add a kind, touch six files:

1. `domain/<stem>.py`: a value (values.py) with a `version`, and its `Kind`.
2. `aws/record_codecs.py`: an encoder, a decoder and a line of `CODECS`.
3. `manage/<stem>.py`: what operators can do. `manage/records.py` has get, add, update and delete.
4. `entrypoints/http/schemas/<stem>.py`: bodies and answers.
5. `entrypoints/http/admin/<stem>.py`: routes.
6. `entrypoints/http/admin/__init__.py`: the module's name in `ROUTES`.

Ports, wiring and fakes stay as they are. `world.records.of(KIND)` is the store of the new kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from chalicelib.domain.records import Kind, Versioned

T = TypeVar("T", bound=Versioned)


class Records(Protocol[T]):
    """The records of one kind. Reads may be as old as SETTINGS_CACHE, but a writer sees its own.

    Writes raise Conflict for a key or name that is taken. They raise Stale for a version that is
    not the stored one. A write that raises has changed nothing.
    """

    def get(self, key: str | int) -> T | None: ...

    def all(self) -> Sequence[T]:
        """Return the whole list of a kind without scopes, as old as the cache."""

    def list(self, scope: str = "", *, after: str | int = "", limit: int = 0) -> Sequence[T]:
        """Return the records of a scope in the order of their keys, uncached.

        `after` is the last key of the page before. Limit 0 means all.
        """

    def put(self, record: T) -> None:
        """Store a new record."""

    def update(self, before: T, after: T) -> None:
        """Store `after` in the place of `before`. The fields of `Kind.maps` stay as they are."""

    def delete(self, record: T) -> None: ...

    def set_entry(self, key: str | int, field: str, entry: str, value: int | None) -> bool:
        """Set one entry of a map, or remove it (None). Return False without such a record.

        Entries that are set at the same time all hold. The record gets its next version.
        """

    def next_number(self) -> int:
        """Return a fresh id: small, rising, never given twice."""


class RecordStore(Protocol):
    def of(self, kind: Kind[T]) -> Records[T]: ...

    def forget(self) -> None:
        """Empty the cache of every kind, so that a change begins from the stored version."""
