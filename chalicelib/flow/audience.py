"""2. Turn an audience into chunks of targets, resumable from any chunk.

Named targets are cut into chunks in their order. Everyone, tags and segments are walked in the order of users, by walkers that share
the buckets between them: a chunk is a stretch of that order and says where it ends, so that copies of a job never overlap or leave a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chalicelib.domain import audiences, channel_options, keys, suppressions
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.jobs import Envelope, PlanJob, Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Plan, Target
from chalicelib.domain.users import User
from chalicelib.flow import dispatch
from chalicelib.flow.select import Contacts, Lists, select, select_contact
from chalicelib.ports import World


class Candidate(NamedTuple):
    """Who may become a target, and the position after it."""

    id: str
    user: User | None
    contact: str  # of a target that is named by its contact
    after: str


def plan(world: World, job: PlanJob) -> None:
    """Plan and dispatch chunks from here on. A repeat finds the plans that are there and sends the same jobs again."""
    message = world.messages.get(job.msgid)
    if message is None:
        return
    chunk, position = job.chunk, job.position
    for _ in range(world.limits.sizes.chunks_per_job):
        if world.messages.withdrawn(job.msgid) is not None:
            return
        stored = _plan_chunk(world, message, chunk, position)
        if stored.next is None:
            return
        chunk, position = message.chunk_after(chunk), stored.next
    world.queues.send([_job(message, chunk, position)])


def first_jobs(message: Message) -> list[Envelope]:
    """One per walker."""
    return [_job(message, chunk, "") for chunk in message.first_chunks]


def _job(message: Message, chunk: int, position: str) -> Envelope:
    return Envelope(
        PlanJob(message.msgid, chunk, position), message.priority, None, message.channel_key
    )


def _plan_chunk(world: World, message: Message, number: int, position: str) -> Plan:
    at = ChunkId(message.msgid, number)
    # The plan of a small message was stored with it, and its contacts nowhere else.
    known = world.ledger.plan(at) if message.inline else None
    stored = known or world.ledger.put_plan(make_plan(world, message, number, position), message)
    if number:  # the first chunk's timer was stored with the message
        look_at = stored.time + world.limits.check_after * 1000
        world.timers.set([Timer(look_at, TimerKind.CHECK, at, message.priority)])
    jobs = dispatch.jobs(message, Chunk(stored), 0, 0)
    world.queues.send(
        [*jobs, dispatch.check_now(message, at, stored.time)]
        if somebody_cannot_start(message, stored)
        else jobs
    )
    return stored


def somebody_cannot_start(message: Message, stored: Plan) -> bool:
    """Whether a valid target has no contact in the first step, and so goes on at once."""
    codes = message.codes_of(0)
    return not all(any(code in stored.targets[t].contacts for code in codes) for t in stored.valid)


def make_plan(
    world: World, message: Message, chunk: int, position: str, contacts: Sequence[str] = ()
) -> Plan:
    """Decide on a chunk of targets, from this position of the audience on. `contacts`: those of a message that is not stored yet."""
    candidates, is_last = _candidates(world, message, chunk, position, contacts)
    lists = _lists(world, message, candidates)
    said = ChunkSuppressions(
        _opted_out(world, message, candidates), _to_gone(world, message), _own(world, message)
    )
    selected = [_select(message, each, lists, said) for each in candidates]
    fitting = _cut(selected, world.limits.sizes.chunk_bytes)
    targets = [each for each in selected[:fitting] if each is not None]
    ends = is_last and fitting == len(selected)
    return Plan(
        id=ChunkId(message.msgid, chunk),
        targets=tuple(target for target, _ in targets),
        contacts=tuple(found for _, found in targets),
        time=world.clock.now(),
        next=None if ends else candidates[fitting - 1].after,
    )


def _candidates(
    world: World, message: Message, chunk: int, position: str, contacts: Sequence[str]
) -> tuple[list[Candidate], bool]:
    """The next of the audience, and whether there is nobody after them."""
    audience, limit = message.audience, world.limits.sizes.chunk_targets
    if not audience.is_scanned:
        return _named(world, message, int(position or 0), contacts)
    buckets = audience.buckets(message.walker(chunk))
    if audience.kind is AudienceKind.EVERYONE:
        users = world.users.walk(buckets, position, limit)
        found = [Candidate(user.userid, user, "", keys.position(user.userid)) for user in users]
    else:
        userids = world.audiences.walk(audience.sets, buckets, position, limit)
        known = world.users.get(userids)
        found = [
            Candidate(userid, known.get(userid), "", keys.position(userid)) for userid in userids
        ]
    return found, len(found) < limit


def _named(
    world: World, message: Message, start: int, contacts: Sequence[str]
) -> tuple[list[Candidate], bool]:
    names = message.userids[start : start + world.limits.sizes.chunk_targets]
    is_last = start + len(names) >= len(message.userids)
    if message.audience.kind is AudienceKind.CONTACTS:
        given = contacts or world.messages.contacts(message.msgid)
        return [
            Candidate(name, None, given[start + n], str(start + n + 1))
            for n, name in enumerate(names)
        ], is_last
    users = world.users.get(names)
    return [
        Candidate(name, users.get(name), "", str(start + n + 1)) for n, name in enumerate(names)
    ], is_last


def _lists(world: World, message: Message, candidates: Sequence[Candidate]) -> Lists:
    """Who of the chunk is on the message's black- or whitelist."""
    userids = [each.id for each in candidates]
    black, white = message.black_id, message.white_id
    return Lists(
        world.audiences.holds(audiences.listing(black), userids) if black else frozenset(),
        world.audiences.holds(audiences.listing(white), userids) if white else None,
    )


class ChunkSuppressions(NamedTuple):
    """`opted_out`: named contacts that want no messages of the access channel. `to_gone`: delivery channels that try dead contacts.

    `own`: delivery channels by which a user is a restricted access channel's own.
    """

    opted_out: frozenset[str]
    to_gone: frozenset[str]
    own: frozenset[str]


def _opted_out(world: World, message: Message, candidates: Sequence[Candidate]) -> frozenset[str]:
    """Users carry their opt-outs themselves; those of contacts without one are kept by themselves."""
    if message.audience.kind is not AudienceKind.CONTACTS:
        return frozenset()
    names = {
        kind: [each.contact for each in candidates if _kind(each) is kind]
        for kind in {_kind(each) for each in candidates}
    }
    said = world.audiences.opt_outs(
        {
            kind: {suppressions.canonical(kind, each): None for each in contacts}
            for kind, contacts in names.items()
        }
    )
    found: set[str] = set()
    for kind, contacts in names.items():
        out = {
            contact
            for contact, by_key in said[kind].items()
            if by_key.get(message.channel_key, 0) > 0
        }
        found |= {contact for contact in contacts if suppressions.canonical(kind, contact) in out}
    return frozenset(found)


def _kind(named: Candidate) -> ChannelType:
    return ChannelType(keys.split(named.id)[0])


def _to_gone(world: World, message: Message) -> frozenset[str]:
    channels = [
        channel
        for code in message.channels
        if (channel := world.settings.channel(code)) is not None
    ]
    return frozenset(
        channel.code for channel in channels if channel_options.of(channel.options).send_to_gone
    )


def _own(world: World, message: Message) -> frozenset[str]:
    """All that are authorised, not only those that this message uses: who is whose does not change from message to message."""
    access = world.settings.access_channel(message.channel_key) if message.restricted else None
    return frozenset(message.channels).union(access.channels if access else ())


def _select(
    message: Message, one: Candidate, lists: Lists, said: ChunkSuppressions
) -> tuple[Target, Contacts] | None:
    """None for who is passed by: who has lost the tag, though a row of its set says otherwise (aws/users.py); and of those who were not
    named, a restricted access channel sees only its own."""
    if message.audience.kind is AudienceKind.CONTACTS:
        return select_contact(
            message, one.id, _kind(one), one.contact, opted_out=one.contact in said.opted_out
        )
    if one.user is not None and message.audience.has_left(one.user.all_tags):
        return None
    if (
        message.restricted
        and one.user is not None
        and not one.user.is_bound_to(message.channel_key, said.own)
    ):
        return None if message.audience.is_scanned else select(message, one.id, None, lists)
    return select(message, one.id, one.user, lists, said.to_gone)


def _cut(selected: Sequence[tuple[Target, Contacts] | None], limit: int) -> int:
    """How many fit into one item; at least one."""
    total = 0
    for n, each in enumerate(selected):
        target, contacts = each or (None, {})
        total += len(target.id.encode()) if target else 0
        total += sum(len(c.encode()) + 8 for found in contacts.values() for c in found) + 40
        if n and total > limit:
            return n
    return len(selected)
