"""Tags of a scope, with counts of their users that are kept and renewed little by little."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from chalicelib.domain import audiences, keys
from chalicelib.ports import Document, World

RENEWED = 2  # counts that one reading renews, each with a request
FRESH = 86_400_000  # ms for which a count is good
KEPT = 90 * 86_400  # seconds

Key = tuple[str, str]


class Tag(NamedTuple):
    """A tag, with about how many users have it, as counted at a time (ms). None: not yet."""

    name: str
    estimate: int | None = None
    counted: int | None = None


def page(world: World, scope: str, after: str, limit: int, *, renew: bool) -> list[Tag]:
    """Return the next tags of a scope in order.

    `renew` counts some anew: first those that are missing, then the oldest. So a page takes the
    same few requests whatever its length, and repeated readings complete it.
    """
    names = world.audiences.tags(scope, after, limit)
    if not names:
        return []
    key_of = {name: (keys.join("tag-count", scope), name) for name in names}
    stored = world.figures.load(list(key_of.values()))
    renewed = _renewed(world, scope, key_of, stored) if renew else []
    current = {**stored, **{document.key: document for document in renewed}}
    return [_tag(name, current.get(key_of[name])) for name in names]


def _renewed(
    world: World, scope: str, key_of: Mapping[str, Key], stored: Mapping[Key, Document]
) -> list[Document]:
    now = world.clock.now()
    times = {name: _time(stored.get(key)) for name, key in key_of.items()}
    due = sorted((name for name in times if now - times[name] > FRESH), key=lambda n: times[n])
    documents = [_count(world, scope, name, key_of[name], stored) for name in due[:RENEWED]]
    if documents:
        world.figures.store(documents)  # if another reading was faster, its counts stand
    return documents


def _count(
    world: World, scope: str, name: str, key: Key, stored: Mapping[Key, Document]
) -> Document:
    now, before = world.clock.now(), stored.get(key)
    number = world.audiences.estimate([audiences.tag(scope, name)])
    version = before.version + 1 if before else 1
    return Document(key, version, {"number": number, "time": now}, now // 1000 + KEPT)


def _time(document: Document | None) -> int:
    return document.body["time"] if document else 0


def _tag(name: str, document: Document | None) -> Tag:
    return Tag(name, document.body["number"], document.body["time"]) if document else Tag(name)
