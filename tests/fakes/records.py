"""Records and the audit log, in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.errors import Conflict, Stale
from chalicelib.domain.records import Kind, Versioned
from tests.fakes.copies import copy_of
from tests.fakes.steps import Steps

T = TypeVar("T", bound=Versioned)


class FakeRecordStore:
    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self._kinds: dict[str, FakeRecords[Any]] = {}

    def of(self, kind: Kind[T]) -> FakeRecords[T]:
        return self._kinds.setdefault(kind.name, FakeRecords(self.steps, kind))

    def forget(self) -> None:
        """Do nothing: a fake has no cache."""


class FakeRecords(Generic[T]):
    def __init__(self, steps: Steps, kind: Kind[T]) -> None:
        self.steps, self._kind = steps, kind
        self.stored: dict[str | int, T] = {}
        self.unlisted: dict[str | int, T] = {}  # of the deployment: no list shows them
        self._last_number = 0

    def get(self, key: str | int) -> T | None:
        with self._around("get", write=False):
            return copy_of(self.stored.get(key) or self.unlisted.get(key))

    def all(self) -> Sequence[T]:
        return self.list()

    def list(self, scope: str = "", *, after: str | int = "", limit: int = 0) -> Sequence[T]:
        with self._around("list", write=False):
            records = [
                record
                for _, record in sorted(self.stored.items())
                if self._kind.scope(record) == scope
            ]
            return copy_of(part(records, self._kind.key, after, limit))

    def put(self, record: T) -> None:
        with self._around("put", write=True):
            if self._kind.key(record) in self.stored:
                raise Conflict("this key is taken")
            self._check_name(record)
            self.stored[self._kind.key(record)] = copy_of(record)

    def update(self, before: T, after: T) -> None:
        with self._around("update", write=True):
            stored = self._unchanged(before)
            self._check_name(after)
            kept = {field: getattr(stored, field) for field in self._kind.maps}
            self.stored[self._kind.key(after)] = replace(copy_of(after), **kept)

    def delete(self, record: T) -> None:
        with self._around("delete", write=True):
            self._unchanged(record)
            del self.stored[self._kind.key(record)]

    def set_entry(self, key: str | int, field: str, entry: str, value: int | None) -> bool:
        with self._around("set_entry", write=True):
            if key not in self.stored:
                return False
            record = self.stored[key]
            entries = {name: old for name, old in getattr(record, field).items() if name != entry}
            if value is not None:
                entries[entry] = value
            changes = {field: entries, "version": record.version + 1}
            self.stored[key] = replace(record, **changes)
            return True

    def next_number(self) -> int:
        with self._around("next_number", write=True):
            self._last_number += 1
            return self._last_number

    def _around(self, operation: str, *, write: bool) -> Any:
        return self.steps.around(f"records.{self._kind.name}.{operation}", write=write)

    def _unchanged(self, record: T) -> T:
        stored = self.stored.get(self._kind.key(record))
        if stored is None or stored.version != record.version:
            raise Stale("somebody else changed this meanwhile")
        return stored

    def _check_name(self, record: T) -> None:
        if self._kind.unique is None:
            return
        names = {
            (self._kind.scope(other), self._kind.unique(other))
            for other in self.stored.values()
            if self._kind.key(other) != self._kind.key(record)
        }
        if (self._kind.scope(record), self._kind.unique(record)) in names:
            raise Conflict("this name is taken")


class FakeAudit:
    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.stored: dict[str, AuditEntry] = {}

    def write(self, entry: AuditEntry) -> None:
        with self.steps.around("audit.write", write=True):
            self.stored.setdefault(entry.id, entry)

    def list(self, month: str, before: str = "", limit: int = 0) -> Sequence[AuditEntry]:
        with self.steps.around("audit.list", write=False):
            entries = [
                entry
                for id, entry in sorted(self.stored.items(), reverse=True)
                if entry.month == month and (not before or id < before)
            ]
            return entries[:limit] if limit else entries


def part(
    records: Sequence[T], key_of: Callable[[T], Any], after: str | int, limit: int
) -> Sequence[T]:
    """Return a page of records that are in order."""
    rest = [record for record in records if not after or key_of(record) > after]
    return rest[:limit] if limit else rest
