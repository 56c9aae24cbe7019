"""Records as items of the table `settings`, with a row in a list and a row for a unique name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from chalicelib.aws import settings_table
from chalicelib.aws.cache import Cache, Recipe, Rows
from chalicelib.aws.items import Item, to_item
from chalicelib.aws.record_codecs import CODECS, Codec
from chalicelib.aws.settings_table import Row
from chalicelib.domain import keys
from chalicelib.domain.records import Kind, Versioned

T = TypeVar("T", bound=Versioned)


class RecordStore:
    """Implements ports.RecordStore."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def of(self, kind: Kind[T]) -> Records[T]:
        return Records(kind, CODECS[kind.name], self._cache)

    def forget(self) -> None:
        self._cache.forget()


class Records(Generic[T]):
    """Implements ports.Records. The row in the list has a key as its sort key."""

    def __init__(self, kind: Kind[T], codec: Codec[T], cache: Cache) -> None:
        self._kind, self._codec, self._cache = kind, codec, cache

    def get(self, key: str | int) -> T | None:
        def read() -> T | None:
            row = settings_table.read(pk)
            return self._decode(row) if row else None

        pk = keys.join(self._kind.name, key)
        return self._cache.get(pk, read, lambda _: self._recipe(pk))

    def all(self) -> Sequence[T]:
        return self._cache.get(keys.join("list", self._kind.name), self.list)

    def list(self, scope: str = "", *, after: str | int = "", limit: int = 0) -> Sequence[T]:
        def item(entry: Row) -> tuple[str, str]:
            return f"{self._kind.name}{keys.SEPARATOR}{entry['sk']}", "-"

        rows = settings_table.listed(self._scoped("list", scope), item, after, limit)
        records = [self._decode(row) for row in rows]
        for record in records:
            self._cache.add(self._pk(record), record, self._recipe(self._pk(record)))
        return records

    def put(self, record: T) -> None:
        values = {"version": record.version, **self._codec.encode(record)}
        item = to_item({"pk": self._pk(record), "sk": "-", **values})
        with self._cache.forgotten():
            settings_table.put_new(item, self._entry(record), *self._name_rows(record))

    def update(self, before: T, after: T) -> None:
        values = {"version": after.version, **self._codec.encode(after)}
        for field in self._kind.maps:
            del values[field]
        freed, taken = self._name_rows(before), self._name_rows(after)
        if freed == taken:
            freed, taken = [], []
        with self._cache.forgotten():
            settings_table.update(self._pk(after), values, before.version, freed, taken)

    def delete(self, record: T) -> None:
        freed = [self._entry(record), *self._name_rows(record)]
        with self._cache.forgotten():
            settings_table.remove(self._pk(record), record.version, freed)

    def set_entry(self, key: str | int, field: str, entry: str, value: int | None) -> bool:
        with self._cache.forgotten():
            return settings_table.set_entry(keys.join(self._kind.name, key), field, entry, value)

    def next_number(self) -> int:
        return settings_table.next_number(self._kind.name)

    def _recipe(self, pk: str) -> Recipe:
        def value(rows: Rows) -> T | None:
            return self._decode(rows[key]) if key in rows else None

        key = (pk, "-")
        return Recipe([key], value)

    def _decode(self, row: Row) -> T:
        return self._codec.decode(keys.split(row["pk"])[1], row)

    def _pk(self, record: T) -> str:
        return keys.join(self._kind.name, self._kind.key(record))

    def _entry(self, record: T) -> Item:
        return settings_table.entry(
            self._scoped("list", self._kind.scope(record)), self._kind.key(record)
        )

    def _name_rows(self, record: T) -> Sequence[Item]:
        """Return the row that keeps the record's name unique, if names are."""
        if self._kind.unique is None:
            return []
        name_key = self._scoped("name", self._kind.scope(record), self._kind.unique(record))
        return [to_item({"pk": name_key, "sk": "-"})]

    def _scoped(self, what: str, scope: str, *rest: str) -> str:
        return keys.join(what, self._kind.name, *([scope] if scope else []), *rest)
