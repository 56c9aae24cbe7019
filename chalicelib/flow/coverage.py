"""Coverage: how many users have a contact, by channel type and delivery channel.

A job counts some thousand users and puts the next job on its queue. Its document holds the counts
so far, the position and a version. A repeated job finds a later version, and only passes it on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, ChannelType, Priority
from chalicelib.domain.errors import NotFound
from chalicelib.domain.jobs import CoverageJob, Envelope
from chalicelib.domain.users import User
from chalicelib.ports import Document, World

STUCK = 3_600_000  # ms after which a count that has not moved is begun anew

Channels = Mapping[str, ChannelType]


def begin(world: World, key: str) -> Document:
    """Begin to count for an access channel, or for all users (empty). Return the document.

    A count that is under way goes on. Raises NotFound without such an access channel.
    """
    owner, channels = _owner(world, key), _channels(world, key)
    now, before = world.clock.now(), show(world, key)
    if before is not None and before.body["position"] and now < before.body["moved"] + STUCK:
        return before
    counted = before.body["counted"] if before else None
    body = {"moved": now, "position": " ", "channels": channels, "now": {}, "counted": counted}
    body["restricted"] = owner is not None and owner.restricted
    document = Document(_name(key), (before.version if before else 0) + 1, body)
    if world.figures.store([document]):
        _go_on(world, key, document.version)
    return show(world, key) or document


def show(world: World, key: str) -> Document | None:
    return world.figures.load([_name(key)]).get(_name(key))


def count(world: World, job: CoverageJob) -> None:
    """Count the next users, and store the counts with the position after them."""
    document = show(world, job.key)
    if document is None or not document.body["position"]:
        return
    if document.version > job.version:  # a repeated job, whose worker may have ended here
        _go_on(world, job.key, document.version)
        return
    body = dict(document.body)
    counts, position = Counter(body["now"]), body["position"].strip()
    size = world.limits.sizes.counted_page
    for _ in range(world.limits.sizes.counted_users // size):
        users = world.users.scan(range(keys.BUCKETS), position, size)
        for user in users:
            counts.update(_covered(user, job.key, body))
        position = keys.position(users[-1].userid) if len(users) == size else ""
        if not position:
            break
    body |= {"now": dict(counts), "position": position, "moved": world.clock.now()}
    if not position:
        body |= {"now": {}, "counted": {"time": world.clock.now(), **_result(counts)}}
    stored = world.figures.store([replace(document, version=document.version + 1, body=body)])
    if stored and position:
        _go_on(world, job.key, document.version + 1)


def _covered(user: User, key: str, body: Mapping[str, Any]) -> set[str]:
    """Return the names of what a user counts for: `users`, types, and delivery channels.

    A restricted access channel has only the contacts of users who are bound to it.
    """
    names, restricted = {"users"}, body.get("restricted", False)
    if restricted and not user.is_bound_to(key, body["channels"]):
        return names
    for code, kind in body["channels"].items():
        if _has_contact(user, key, code, ChannelType(kind), restricted=restricted):
            names |= {f"type|{kind}", f"channel|{code}"}
    return names


def _has_contact(user: User, key: str, code: str, kind: ChannelType, *, restricted: bool) -> bool:
    """Tell if a user has a contact on a delivery channel, under any label.

    Of the whole deployment, that is a contact of any access channel.
    """
    if user.labels.get(kind, {}).get(code):
        return True
    if not key and not kind.bound_by_code:
        return bool(user.contacts.get(kind))
    return bool(user.contacts_on((code, kind), key, restricted=restricted))


def _result(counts: Mapping[str, int]) -> dict[str, Any]:
    def of(kind: str) -> dict[str, int]:
        prefix = f"{kind}|"
        return {n.removeprefix(prefix): c for n, c in counts.items() if n.startswith(prefix)}

    return {"users": counts.get("users", 0), "types": of("type"), "channels": of("channel")}


def _channels(world: World, key: str) -> dict[str, str]:
    """Return the delivery channels of an access channel, or all of them, with their types."""
    channels: Sequence[Any] = world.records.of(DELIVERY_CHANNELS).all()
    owner = _owner(world, key)
    if owner is None:
        return {channel.code: channel.type.value for channel in channels}
    return {c.code: c.type.value for c in channels if c.code in owner.channels}


def _owner(world: World, key: str) -> AccessChannel | None:
    owner: AccessChannel | None = world.settings.access_channel(key) if key else None
    if key and owner is None:
        raise NotFound("access channel")
    return owner


def _name(key: str) -> tuple[str, str]:
    return keys.join("coverage", key or "*"), "-"


def _go_on(world: World, key: str, version: int) -> None:
    job = CoverageJob(key, version)
    world.queues.send([Envelope(job, Priority.LOW, None, "coverage")])
