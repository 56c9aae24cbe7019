"""2. Turn an audience into chunks of targets, resumable from any chunk.

Named targets are cut into chunks in their order. Everyone, tags and segments are scanned in the
order of users, by partitions that share the buckets between them. A chunk is a stretch of that
order, and its plan records its end. So copies of a job never overlap or leave a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chalicelib.domain import audiences, channel_options, elements, keys
from chalicelib.domain.audiences import Audience, AudienceKind
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.jobs import Envelope, PlanJob, Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Plan, Target, TargetLoss
from chalicelib.flow import dispatch, suppressions
from chalicelib.flow.candidates import Candidate, has_day, next_candidates
from chalicelib.flow.rules import caps, gate, personal
from chalicelib.flow.select import (
    Contacts,
    Despite,
    Lists,
    Selection,
    fitting,
    select,
    select_contact,
)
from chalicelib.ports import World


def estimate(world: World, audience: Audience, userids: Sequence[str]) -> int:
    """Return the approximate number of targets, in one request for each set."""
    if audience.kind is AudienceKind.EVERYONE:
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
    # A plan that counts under caps is made only once, since its marks may be given back already.
    stored = world.ledger.plan(at, message) if message.inline or message.caps else None
    if stored is None:
        made = make_plan(world, message, number, position)
        stored = world.ledger.put_plan(made, message)
        caps.give_back_plan(world, message, made, stored)
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
    world: World, message: Message, number: int, position: str, contacts: Sequence[str] = ()
) -> Plan:
    """Decide on a chunk of targets, from this position of the audience on.

    `contacts` are those of a message that is not stored yet.
    """
    candidates, after = next_candidates(world, message, number, position, contacts)
    candidates = _with_opt_outs(world, candidates)
    lists = _lists(world, message, candidates)
    despite = _despite(world, message)
    context = ChunkContext(
        _opted_out(world, message, candidates, despite),
        despite,
        _authorised(world, message),
        frozenset(message.userids),
        _of_segment(world, message, candidates),
    )
    selected = [_select(message, candidate, lists, context) for candidate in candidates]
    fits = _fitting(world, message, selected, candidates)
    fitted = zip(selected[:fits], candidates, strict=False)
    chosen = [Selection(*choice, candidate.user) for choice, candidate in fitted if choice]
    targets = gate.for_targets(world, message, chosen)
    return Plan(
        id=ChunkId(message.msgid, number),
        targets=tuple(selection.target for selection in targets),
        contacts=tuple(selection.contacts for selection in targets),
        time=world.clock.now(),
        next=after if fits == len(selected) else candidates[fits - 1].after,
        starts=_starts(world, message, chosen),
        values=tuple(selection.values for selection in targets) if message.personal else (),
    )


def _starts(world: World, message: Message, chosen: Sequence[Selection]) -> tuple[int, ...]:
    """Return when (ms) each target's local time comes, none if it has come for all of them."""
    occasion = message.occasion
    if occasion is None or not occasion.zone_attribute:
        return ()
    starts = tuple(occasion.start(s.user.attributes if s.user else {}) for s in chosen)
    return starts if any(at > world.clock.now() for at in starts) else ()


# -- facts that the selection needs


def _with_opt_outs(world: World, candidates: list[Candidate]) -> list[Candidate]:
    """Apply opt-outs to users of earlier releases whom opt-outs of another spelling do not find."""
    older = [c.user for c in candidates if c.user is not None and c.user.respelt]
    if not older:
        return candidates
    users = {user.userid: user for user in suppressions.apply_earlier_opt_outs(world, older, {})}
    return [c._replace(user=users.get(c.id, c.user)) for c in candidates]


def _lists(world: World, message: Message, candidates: Sequence[Candidate]) -> Lists:
    """Return the candidates that are on the message's black- or whitelist."""
    userids = [candidate.id for candidate in candidates]
    black, white = message.black_id, message.white_id
    return Lists(
        world.audiences.holds(audiences.listing(black), userids) if black else frozenset(),
        world.audiences.holds(audiences.listing(white), userids) if white else None,
    )


class ChunkContext(NamedTuple):
    """Facts about a chunk's candidates and channels, besides what the users hold themselves."""

    opted_out: frozenset[str]  # named contacts that want no messages of the access channel
    despite: Despite
    authorised: frozenset[str]  # delivery channels that make a user the access channel's own
    named: frozenset[str]
    of_segment: frozenset[str]  # members of the segment, of an audience that has tags too


def _opted_out(
    world: World, message: Message, candidates: Sequence[Candidate], despite: Despite
) -> frozenset[str]:
    """Return the named contacts that opted out, and whom all channels of their type heed.

    Users carry their opt-outs themselves. Those of contacts without a user are kept apart.
    """
    if message.audience.kind is not AudienceKind.CONTACTS:
        return frozenset()
    named: dict[ChannelType, list[str]] = {}
    for candidate in candidates:
        kind = _channel_type(candidate)
        if not all(code in despite.opt_out for code, of in message.channels.items() if of is kind):
            named.setdefault(kind, []).append(candidate.contact)
    return frozenset(
        contact
        for by_contact in world.audiences.opt_outs(named).values()
        for contact, since_by_key in by_contact.items()
        if since_by_key.get(message.channel_key, 0) > 0
    )


def _channel_type(named: Candidate) -> ChannelType:
    return ChannelType(keys.split(named.id)[0])


def _despite(world: World, message: Message) -> Despite:
    """Return the delivery channels that try dead contacts, and those that heed no opt-out.

    These are the ones whose mails of priority 1 carry no way out: their readers have asked for
    them, as for a code or an order.
    """
    gone: list[str] = []
    opt_out: list[str] = []
    for code in message.channels:
        channel = world.settings.channel(elements.channel_of(code))
        if channel is None:
            continue
        options = channel_options.of(channel.options)
        if options.send_to_gone:
            gone.append(code)
        if channel.type is ChannelType.EMAIL and not options.heeds_opt_outs(message.priority):
            opt_out.append(code)
    return Despite(frozenset(gone), frozenset(opt_out))


def _authorised(world: World, message: Message) -> frozenset[str]:
    """Return all authorised delivery channels, not only those that this message uses.

    The users of an access channel do not change from message to message.
    """
    access = world.settings.access_channel(message.channel_key) if message.restricted else None
    return frozenset(message.channels).union(access.channels if access else ())


def _of_segment(world: World, message: Message, candidates: Sequence[Candidate]) -> frozenset[str]:
    segments = message.audience.segments if message.audience.tags else ()
    userids = [candidate.id for candidate in candidates]
    members = [world.audiences.holds(name, userids) for name in segments]
    return frozenset().union(*members)


# -- select


def _select(
    message: Message, candidate: Candidate, lists: Lists, context: ChunkContext
) -> tuple[Target, Contacts] | None:
    """Select the contacts of a candidate, or return None to skip a user.

    Skipped are users who no longer have the tag (stale set row, see aws/users.py). Skipped are also
    unnamed users outside a restricted access channel's own users.
    """
    user, name = candidate.user, candidate.id
    if message.audience.kind is AudienceKind.CONTACTS:
        contact, kind = candidate.contact, _channel_type(candidate)
        is_out = contact in context.opted_out
        return select_contact(message, name, kind, contact, context.despite, opted_out=is_out)
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
        return select(message, name, None, lists) if is_named else None
    return select(message, name, user, lists, context.despite)


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
