"""Records as operators change them. A change begins from the version that the operator has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from chalicelib.domain.errors import Conflict, NotFound, Stale, Taken
from chalicelib.domain.records import Kind, Versioned
from chalicelib.domain.sentences import Sentence
from chalicelib.ports import World

T = TypeVar("T", bound=Versioned)


def get(world: World, kind: Kind[T], key: str | int) -> T:
    """Return a record, or raise NotFound."""
    record = world.records.of(kind).get(key)
    if record is None:
        raise NotFound(kind.noun)
    return record


def page(
    world: World, kind: Kind[T], scope: str = "", *, after: str | int = "", limit: int = 0
) -> Sequence[T]:
    """Return a page of a list, in the order of keys. Limit 0 means all."""
    return world.records.of(kind).list(scope, after=after, limit=limit)


def at_version(record: T, version: int | None) -> T:
    """Return the record, or raise Stale for another version. None means any version."""
    if version is not None and record.version != version:
        reason = 'changed since you read it; the current ETag is "{version}"'
        raise Stale(Sentence(reason, version=record.version))
    return record


def get_at(world: World, kind: Kind[T], key: str | int, version: int | None) -> T:
    return at_version(get(world, kind, key), version)


def add(world: World, kind: Kind[T], record: T) -> T:
    """Store a new record. Raise Taken for a name that another record has."""
    try:
        world.records.of(kind).put(record)
    except Conflict:
        raise _taken(kind) from None
    return record


def update(world: World, kind: Kind[T], before: T, **changes: Any) -> T:
    """Change fields of a record. Raise Stale for a later version, Taken for a name in use."""
    after = replace(before, **changes, version=before.version + 1)
    try:
        world.records.of(kind).update(before, after)
    except Stale:
        raise
    except Conflict:
        raise _taken(kind) from None
    return after


def delete(world: World, kind: Kind[T], record: T) -> None:
    """Delete a record. Raise Stale for a later version."""
    world.records.of(kind).delete(record)


def _taken(kind: Kind[T]) -> Taken:
    article = "an" if kind.noun[0] in "aeiou" else "a"
    return Taken("name", what=f"{article} {kind.noun}")
