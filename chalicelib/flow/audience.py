"""2. Turn an audience into chunks of targets, resumable from any chunk.

Named targets are cut into chunks in their order. Everyone, tags and segments are scanned in the
order of users, by partitions that share the buckets between them. A chunk is a stretch of that
order, and its plan records its end. So copies of a job never overlap or leave a gap.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain import keys
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.jobs import Envelope, PlanJob, Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Plan, Target
from chalicelib.domain.users import User
from chalicelib.flow import chunk_context, dispatch
from chalicelib.flow.chunk_context import Candidate, ChunkContext
from chalicelib.flow.rules import gate
from chalicelib.flow.rules.gate import Selection
from chalicelib.flow.select import Contacts, select, select_contact
from chalicelib.ports import World

# -- plan


def plan(world: World, job: PlanJob) -> None:
    """Plan and dispatch chunks from the job's chunk on.

    A repeat finds the stored plans and sends the same jobs again.
    """
    message = world.messages.get(job.msgid)
    if message is None:
        return
    number, position = job.chunk, job.position
    for _ in range(world.limits.sizes.chunks_per_job):
        if world.messages.withdrawn(job.msgid) is not None:
            return
        stored = _plan_chunk(world, message, number, position)
        if stored.next is None:
            return
        number, position = message.chunk_after(number), stored.next
    world.queues.send([_job(message, number, position)])


def first_jobs(message: Message) -> list[Envelope]:
    """Build one job per partition of the audience."""
    return [_job(message, number, "") for number in message.first_chunks]


def _job(message: Message, number: int, position: str) -> Envelope:
    job = PlanJob(message.msgid, number, position)
    return Envelope(job, message.priority, None, message.channel_key)


def _plan_chunk(world: World, message: Message, number: int, position: str) -> Plan:
    at = ChunkId(message.msgid, number)
    # The plan of a small message was stored with it, and its contacts nowhere else.
    stored = world.ledger.plan(at, message) if message.inline else None
    if stored is None:
        made = make_plan(world, message, number, position)
        stored = world.ledger.put_plan(made, message)
    if number:  # the first chunk's timer was stored with the message
        due = stored.time + world.limits.check_after * 1000
        world.timers.set([Timer(due, TimerKind.CHECK, at, message.priority)])
    jobs = dispatch.jobs(message, Chunk(stored), 0, 0)
    if somebody_cannot_start(message, stored):
        jobs = [*jobs, dispatch.check_now(message, at, stored.time)]
    world.queues.send(jobs)
    return stored


def somebody_cannot_start(message: Message, stored: Plan) -> bool:
    """Tell if a valid target has no contact in the first step, and so goes on at once."""
    codes = message.codes_of(0)
    return not all(any(code in stored.targets[t].contacts for code in codes) for t in stored.valid)


def make_plan(
    world: World, message: Message, number: int, position: str, contacts: Sequence[str] = ()
) -> Plan:
    """Decide on a chunk of targets, from this position of the audience on.

    `contacts` are those of a message that is not stored yet.
    """
    candidates, is_last = _candidates(world, message, number, position, contacts)
    candidates = chunk_context.with_opt_outs(world, candidates)
    context = chunk_context.read(world, message, candidates)
    selected = [_select(message, candidate, context) for candidate in candidates]
    fitting = _fitting(selected, world.limits.sizes.chunk_bytes)
    fitted = zip(selected[:fitting], candidates, strict=False)
    chosen = [Selection(*choice, candidate.user) for choice, candidate in fitted if choice]
    targets = gate.for_targets(world, message, chosen)
    ends = is_last and fitting == len(selected)
    return Plan(
        id=ChunkId(message.msgid, number),
        targets=tuple(selection.target for selection in targets),
        contacts=tuple(selection.contacts for selection in targets),
        time=world.clock.now(),
        next=None if ends else candidates[fitting - 1].after,
    )


# -- the next of the audience


def _candidates(
    world: World, message: Message, number: int, position: str, contacts: Sequence[str]
) -> tuple[list[Candidate], bool]:
    """Return the next candidates, and True if there is nobody after them."""
    audience, limit = message.audience, world.limits.sizes.chunk_targets
    if not audience.is_scanned:
        return _named(world, message, int(position or 0), contacts)
    buckets = audience.buckets(message.partition(number))
    users: Sequence[tuple[str, User | None]]
    if audience.kind is AudienceKind.EVERYONE:
        scanned = world.users.scan(buckets, position, limit)
        users = [(user.userid, user) for user in scanned]
    else:
        userids = _members(world, message, buckets, position)
        known = world.users.get(userids)
        users = [(userid, known.get(userid)) for userid in userids]
    candidates = [Candidate(userid, user, "", keys.position(userid)) for userid, user in users]
    return candidates, len(candidates) < limit


def _members(world: World, message: Message, buckets: range, position: str) -> Sequence[str]:
    """Return the next members of the audience's sets, and the users that are named besides."""
    limit = world.limits.sizes.chunk_targets
    members = world.audiences.scan(message.audience.sets, buckets, position, limit)
    named = (
        userid
        for userid in message.userids
        if keys.bucket(userid) in buckets and keys.position(userid) > position
    )
    return sorted({*members, *named}, key=keys.position)[:limit]


def _named(
    world: World, message: Message, start: int, contacts: Sequence[str]
) -> tuple[list[Candidate], bool]:
    names = message.userids[start : start + world.limits.sizes.chunk_targets]
    is_last = start + len(names) >= len(message.userids)
    if message.audience.kind is AudienceKind.CONTACTS:
        named = contacts or world.messages.contacts(message.msgid)
        return [
            Candidate(name, None, named[n], str(n + 1)) for n, name in enumerate(names, start)
        ], is_last
    users = world.users.get(names)
    return [
        Candidate(name, users.get(name), "", str(n + 1)) for n, name in enumerate(names, start)
    ], is_last


# -- select


def _select(
    message: Message, candidate: Candidate, context: ChunkContext
) -> tuple[Target, Contacts] | None:
    """Select the contacts of a candidate, or return None to skip a user.

    Skipped are users who no longer have the tag (stale set row, see aws/users.py). Skipped are also
    unnamed users outside a restricted access channel's own users.
    """
    user, name = candidate.user, candidate.id
    if message.audience.kind is AudienceKind.CONTACTS:
        contact, kind = candidate.contact, candidate.channel_type
        return select_contact(message, name, kind, contact, context.named_contact(name, contact))
    is_named = name in context.named
    is_tagged = not is_named and name not in context.of_segment
    if user is not None and is_tagged and message.audience.has_left(user.all_tags):
        return None
    is_outsider = (
        message.restricted
        and user is not None
        and not user.is_bound_to(message.channel_key, context.authorised)
    )
    if is_outsider:
        return select(message, name, None, context.lists) if is_named else None
    return select(message, name, user, context.lists, context.despite)


def _fitting(selected: Sequence[tuple[Target, Contacts] | None], limit: int) -> int:
    """Return how many selections fit into one item, at least one."""
    total = 0
    for n, selection in enumerate(selected):
        total += 40
        if selection is not None:
            target, contacts = selection
            total += len(target.id.encode())
            for of_channel in contacts.values():
                total += sum(len(contact.encode()) + 8 for contact in of_channel)
        if n and total > limit:
            return n
    return len(selected)
