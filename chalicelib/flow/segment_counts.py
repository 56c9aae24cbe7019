"""Count the members of a segment, and those whom each channel type reaches.

A job looks at some thousand users, as the rule judges them then. It puts the next job on its
queue. The document of a count holds the counts so far, the position and a version. A repeated job
finds a later version, and only passes it on. The last job writes the size of the day, too.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain import audiences, keys
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.groups import GROUPS, Family, Group
from chalicelib.domain.jobs import Envelope, SegmentJob, Timer, TimerKind
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.segment_rules import Rule
from chalicelib.domain.users import User
from chalicelib.flow import segments
from chalicelib.flow.days import DAY, day_of, offset
from chalicelib.ports import Document, World
from chalicelib.ports.figures import Key

STUCK = 3_600_000  # ms after which a count that has not moved is begun anew
KEPT = 730 * 86400  # seconds for which the size of a day is kept
START = " "  # in the place of a position: nobody was looked at
SPREAD = 3 * 3_600_000  # ms after midnight in which daily counts begin
GROUP = "segments"  # of jobs


def begin(world: World, segment: Group) -> Document:
    """Begin to count a segment with its rule of now. Return the document of the count.

    A count that is under way goes on.
    """
    now, before = world.clock.now(), show(world, segment.number)
    if before is not None and _is_running(before, now):
        return before
    body = {
        "moved": now,
        "position": START,
        "key": segment.channel_key,
        "rule": dict(segment.rule),
        "now": {},
        "counted": before.body["counted"] if before else None,
    }
    name = count_key(segment.number)
    document = Document(name, (before.version if before else 0) + 1, body)
    if world.figures.store([document]):
        _go_on(world, segment.number, document.version)
    return show(world, segment.number) or document


def show(world: World, number: int) -> Document | None:
    name = count_key(number)
    return world.figures.load([name]).get(name)


def _is_running(document: Document, now: int) -> bool:
    return bool(document.body["position"]) and now < document.body["moved"] + STUCK


def count(world: World, job: SegmentJob) -> None:
    """Look at the next users, and store the counts with the position after them."""
    document = show(world, job.number)
    if document is None or not document.body["position"]:
        return
    if document.version > job.version:  # a repeated job, whose worker may have ended here
        _go_on(world, job.number, document.version)
        return
    counts, position = _slice(world, job.number, document)
    body = {
        **document.body,
        "now": dict(counts),
        "position": position,
        "moved": world.clock.now(),
    }
    changed = [replace(document, version=document.version + 1, body=body)]
    if not position:
        result = _result(world, document, counts)
        body |= {"now": {}, "counted": result}
        changed.append(_size_of_day(world, job.number, result))
    if world.figures.store(changed) and position:
        _go_on(world, job.number, document.version + 1)


def _slice(world: World, number: int, document: Document) -> tuple[Counter[str], str]:
    """Return the counts after the next users, and the position after them, empty at the end."""
    body = document.body
    access = world.settings.access_channel(body["key"])
    counts, position = Counter(body["now"]), body["position"].strip()
    if access is None:
        return counts, ""
    channels = segments.channels_of(world, access)
    sizes = world.limits.sizes
    for _ in range(sizes.counted_users // sizes.counted_page):
        members, position = _page(world, number, access, body["rule"], position)
        for user in members:
            counts["users"] += 1
            counts.update(kind.value for kind in segments.reached_on(user, access, channels))
        if not position:
            break
    return counts, position


def _page(
    world: World, number: int, access: AccessChannel, rule: Rule, position: str
) -> tuple[Sequence[User], str]:
    """Return the members among the next users, and the position after these."""
    everywhere, size = range(keys.BUCKETS), world.limits.sizes.counted_page
    if rule:
        page = world.users.scan(everywhere, position, size)
        last = page[-1].userid if len(page) == size else ""
        members: Sequence[User] = segments.members(world, access.key, rule, page)
    else:
        userids = world.audiences.scan([audiences.segment(number)], everywhere, position, size)
        last = userids[-1] if len(userids) == size else ""
        stored = world.users.get(userids, fresh=False)
        mine = {id for id, user in stored.items() if segments.belongs_to(access, user)}
        named = (id for id in userids if id in mine or id not in stored)
        members = [stored.get(userid, User(userid)) for userid in named]
    return members, keys.position(last) if last else ""


def _result(world: World, document: Document, counts: Mapping[str, int]) -> dict[str, Any]:
    kinds = [kind.value for kind in ChannelType if counts.get(kind.value)]
    return {
        "time": world.clock.now(),
        "rule": digest(document.body["rule"]),
        "users": counts.get("users", 0),
        "contacts": {kind: counts[kind] for kind in kinds},
    }


def _size_of_day(world: World, number: int, result: Mapping[str, Any]) -> Document:
    """Return the document of a day's size. The last count of a day stands."""
    name = size_key(number, day_of(world.limits, result["time"]))
    before = world.figures.load([name]).get(name)
    expires = result["time"] // 1000 + KEPT
    return Document(name, (before.version if before else 0) + 1, dict(result), expires)


def digest(rule: Rule) -> str:
    """Return a short text that is the same for the same rule."""
    return hashlib.sha256(json.dumps(rule, sort_keys=True).encode()).hexdigest()[:16]


def count_key(number: int) -> Key:
    return keys.join("segment-count", number), "-"


def size_key(number: int, day: int) -> Key:
    return keys.join("segment-sizes", number), f"{day:06d}"


def _go_on(world: World, number: int, version: int) -> None:
    world.queues.send([Envelope(SegmentJob(number, version), Priority.LOW, None, GROUP)])


# -- every day


def schedule(world: World, number: int) -> None:
    """Set the timer of a segment's next daily count, within hours after midnight.

    Segments are spread over these hours. A timer that is set again is the same row.
    """
    now, shift = world.clock.now(), number * 60_000 % SPREAD
    midnight = (day_of(world.limits, now) + 1) * DAY - offset(world.limits)
    timer = Timer(midnight + shift, TimerKind.SEGMENT, ChunkId(str(number), 0), Priority.LOW)
    world.timers.set([timer], punctual=False)


def count_daily(world: World, timers: Sequence[Timer]) -> None:
    """Begin the daily counts that are due, and set the next ones. Others end here."""
    for number in dict.fromkeys(int(timer.chunk.msgid) for timer in timers):
        segment = world.records.of(GROUPS[Family.SEGMENT]).get(number)
        if segment is not None and segment.daily:
            schedule(world, number)
            begin(world, segment)
