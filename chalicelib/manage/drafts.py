"""Drafts of members. Their bodies are sealed, since they name contacts and have contents."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.drafts import DRAFTS, MAX_BODY, MAX_DRAFTS, Draft
from chalicelib.domain.errors import Conflict, Invalid, NotFound
from chalicelib.manage import access_channels, records
from chalicelib.ports import IdempotencyKey, World

Body = Mapping[str, Any]


def add(
    world: World, member: str, channel_key: str, name: str, body: Body, *, broadcast: bool
) -> Draft:
    """Store a draft. Raise Invalid if the member has enough of them."""
    access_channels.get(world, channel_key)
    if len(world.records.of(DRAFTS).list(member, limit=MAX_DRAFTS)) >= MAX_DRAFTS:
        raise Invalid("channel_key", "you have {most} drafts already", most=MAX_DRAFTS)
    now = world.clock.now()
    id = keys.message_id(now, secrets.token_bytes(4))
    sealed = _sealed(world, id, body)
    draft = Draft(id, channel_key, member, name, sealed, now, broadcast)
    return records.add(world, DRAFTS, draft)


def get(world: World, member: str, id: str) -> Draft:
    """Return a draft of a member. Raises NotFound for that of anybody else."""
    draft = records.get(world, DRAFTS, id)
    if draft.member != member:
        raise NotFound(DRAFTS.noun)
    return draft


def body_of(world: World, draft: Draft) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(world.vault.open(draft.sealed, _context(draft.id)))
    return body


def page(world: World, member: str, channel_key: str) -> Sequence[Draft]:
    """Return a member's drafts of an access channel, the newest first."""
    drafts = records.page(world, DRAFTS, member)
    return [draft for draft in reversed(drafts) if draft.channel_key == channel_key]


def change(
    world: World, draft: Draft, version: int | None, name: str, body: Body, *, broadcast: bool
) -> Draft:
    before = records.at_version(draft, version)
    changes = {"name": name, "broadcast": broadcast, "changed": world.clock.now()}
    sealed = _sealed(world, draft.id, body)
    return records.update(world, DRAFTS, before, sealed=sealed, **changes)


def delete(world: World, draft: Draft, version: int | None) -> None:
    records.delete(world, DRAFTS, records.at_version(draft, version))


def delete_of(world: World, member: str) -> None:
    """Delete all drafts of a member who is gone."""
    for draft in records.page(world, DRAFTS, member):
        records.delete(world, DRAFTS, draft)


def send(world: World, draft: Draft, submit: Callable[[IdempotencyKey], str]) -> str:
    """Send a draft, then delete it. A repeat of the same version sends nothing twice."""
    name = keys.join("once", draft.channel_key, "draft", f"{draft.id}@{draft.version}")
    msgid = submit(IdempotencyKey(name, draft.id))
    try:
        records.delete(world, DRAFTS, draft)
    except Conflict:  # it was changed or deleted meanwhile
        return msgid
    return msgid


def _sealed(world: World, id: str, body: Body) -> bytes:
    plain = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    if len(plain) > MAX_BODY:
        raise Invalid("message", "more than {most} characters", most=f"{MAX_BODY:,}")
    return world.vault.seal(plain.encode("utf-8", "surrogatepass"), _context(id))


def _context(id: str) -> str:
    return keys.join("draft", id)
