"""2. Turn an audience into chunks of targets, resumable from any chunk.

Named targets are cut into chunks in their order. Everyone, tags and segments are scanned in the
order of users, by partitions that share the buckets between them. A chunk is a stretch of that
order, and its plan records its end. So copies of a job never overlap or leave a gap.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.audiences import Audience, AudienceKind
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.jobs import Envelope, PlanJob, Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Plan, Target, TargetLoss
from chalicelib.flow import chunk_context, dispatch
from chalicelib.flow.candidates import NOTHING, Candidate, Known, has_day, next_candidates
from chalicelib.flow.chunk_context import ChunkContext
from chalicelib.flow.rules import counted, dry, gate, personal, topics
from chalicelib.flow.select import Contacts, Selection, fitting, select, select_contact
from chalicelib.ports import World


def estimate(world: World, audience: Audience, userids: Sequence[str]) -> int:
    """Return about how many users are looked at, in one request for each set."""
    if audience.kind is AudienceKind.EVERYONE or audience.rule:
        return world.users.estimate()
    return (world.audiences.estimate(audience.sets) if audience.sets else 0) + len(userids)


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
            _give_back_unplanned(world, message, number, position)
            return
        stored = _plan_chunk(world, message, number, position)
        if stored.next is None:
            return
        number, position = message.chunk_after(number), stored.next
    world.queues.send([_job(message, number, position)])


def _give_back_unplanned(world: World, message: Message, number: int, position: str) -> None:
    """Give back what a planner has counted that died before it stored its plan."""
    if not message.caps and not message.budget:
        return
    while stored := world.ledger.plan(ChunkId(message.msgid, number), message):
        if stored.next is None:
            return
        number, position = message.chunk_after(number), stored.next
    made = make_plan(dry.dry(world), message, number, position)
    counted.give_back_plan(world, message, made)


def first_jobs(message: Message) -> list[Envelope]:
    """Build one job per partition of the audience."""
    return [_job(message, number, "") for number in message.first_chunks]


def _job(message: Message, number: int, position: str) -> Envelope:
    job = PlanJob(message.msgid, number, position)
    return Envelope(job, message.priority, None, message.channel_key)


def _plan_chunk(world: World, message: Message, number: int, position: str) -> Plan:
    at = ChunkId(message.msgid, number)
    # The plan of a small message was stored with it, and its contacts nowhere else.
    # A plan that counts is made only once, since what it counted may be given back already.
    stored = world.ledger.plan(at, message) if message.counts_once else None
    if stored is None:
        made = make_plan(world, message, number, position)
        stored = world.ledger.put_plan(made, message)
        counted.give_back_plan(world, message, made, stored)
    if number:  # the first chunk's timer was stored with the message
        due = stored.time + world.limits.check_after * 1000
        world.timers.set([Timer(due, TimerKind.CHECK, at, message.priority)])
    jobs = [] if stored.starts else dispatch.jobs(message, Chunk(stored), 0, 0)
    if stored.starts or somebody_cannot_start(message, stored):
        jobs = [*jobs, dispatch.check_now(message, at, stored.time)]
    world.queues.send(jobs)
    return stored


def somebody_cannot_start(message: Message, stored: Plan) -> bool:
    """Tell if a valid target has no contact in the first step, and so goes on at once."""
    codes = message.codes_of(0)
    return not all(any(code in stored.targets[t].contacts for code in codes) for t in stored.valid)


def make_plan(
    world: World, message: Message, number: int, position: str, known: Known = NOTHING
) -> Plan:
    """Decide on a chunk of targets, from this position of the audience on."""
    candidates, after = next_candidates(world, message, number, position, known)
    candidates = chunk_context.with_opt_outs(world, candidates)
    context = chunk_context.read(world, message, candidates)
    selected = [_select(message, candidate, context) for candidate in candidates]
    fits = _fitting(world, message, selected, candidates)
    fitted = zip(selected[:fits], candidates, strict=False)
    chosen = [Selection(*choice, candidate.user) for choice, candidate in fitted if choice]
    targets = gate.for_targets(world, message, number, chosen)
    return Plan(
        id=ChunkId(message.msgid, number),
        targets=tuple(selection.target for selection in targets),
        contacts=tuple(selection.contacts for selection in targets),
        time=world.clock.now(),
        next=after if fits == len(selected) else candidates[fits - 1].after,
        starts=_starts(world, message, chosen),
        values=tuple(selection.values for selection in targets) if message.personal else (),
        quiet=topics.quiet_of(message, targets),
    )


def _starts(world: World, message: Message, chosen: Sequence[Selection]) -> tuple[int, ...]:
    """Return when (ms) each target's local time comes, none if all of them may begin now."""
    occasion = message.occasion
    if occasion is None or not occasion.zone_attribute:
        return ()
    starts = tuple(occasion.start(s.user.attributes if s.user else {}) for s in chosen)
    has_rules = bool(message.step_rules)  # which may hold them, though their time has come
    return starts if has_rules or any(at > world.clock.now() for at in starts) else ()


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
    if user is not None and not has_day(message, user):
        return Target(name, TargetLoss.OTHER_DAY, {}), {}
    is_outsider = (
        message.restricted
        and user is not None
        and not user.is_bound_to(message.channel_key, context.authorised)
    )
    if is_outsider:
        return select(message, name, None, context.lists) if is_named else None
    return select(message, name, user, context.lists, context.despite)


def _fitting(
    world: World,
    message: Message,
    selected: Sequence[tuple[Target, Contacts] | None],
    candidates: Sequence[Candidate],
) -> int:
    """Return how many selections fit into one item, with their personal values."""
    users = [candidate.user for candidate in candidates] if message.personal else []
    extra = [personal.size(message, user) for user in users]
    return fitting(selected, world.limits.sizes.chunk_bytes, extra)
