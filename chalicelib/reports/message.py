"""What became of a message: its funnels and losses, and the life cycle of each target. Only for its own access channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import NotFound
from chalicelib.domain.facts import FactKind
from chalicelib.domain.funnel import EXTRAS, STAGES, Counts, channel_order, total
from chalicelib.domain.messages import CHUNK_TARGETS, Message, Summary
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.strategies import MAX_WITHIN
from chalicelib.flow import tally
from chalicelib.flow.content import render
from chalicelib.flow.messages import own
from chalicelib.flow.select import target_of
from chalicelib.ports import World

LONGEST = (
    len(ChannelType) * MAX_WITHIN
)  # seconds that a strategy may take: that long, and some days, messages are kept
LIVE_TARGETS = 2 * CHUNK_TARGETS  # a message of so many targets is counted when somebody asks


def message(world: World, channel_key: str, msgid: str) -> dict[str, Any]:
    """Raises NotFound when the access channel has no such message."""
    found = own(world, channel_key, msgid)
    withdrawn = world.messages.withdrawn(msgid)
    is_small = not found.audience.is_scanned and len(found.userids) <= LIVE_TARGETS
    counts = tally.live(world, found) if is_small else total(world.messages.counts(msgid).values())
    planned = counts.users.get("planned", 0)
    return {
        "msgid": msgid,
        "status": "withdrawn" if withdrawn else _status(found, counts),
        "accepted": found.accepted,
        "priority": found.priority.value,
        "template": {"id": found.template[0], "version": found.template[1]}
        if found.template[0]
        else None,
        "rule_id": found.rule_id,
        "sendno": found.sendno,
        "progress": {
            "targets": _targets(found, counts),
            "planned": planned,
            **{
                name: counts.open.get(name, 0)
                for name in ("undecided", "unsubmitted", "awaiting_receipt")
            },
        },
        "funnel": {
            "users": {stage: counts.users.get(stage, 0) for stage in STAGES},
            "channels": {
                kind: {
                    **{stage: counts.channels[kind].get(stage, 0) for stage in STAGES},
                    **{
                        name: counts.channels[kind][name]
                        for name in EXTRAS
                        if name in counts.channels[kind]
                    },
                }
                for kind in channel_order(counts.channels, found)
            },
        },
        "steps": [
            {
                "step": n + 1,
                "channels": [c.value for c in step.channels],
                "targets": counts.steps.get(str(n + 1), 0),
            }
            for n, step in enumerate(found.strategy.steps)
        ],
        "losses": {
            "users": dict(sorted(counts.user_losses.items())),
            "channels": {
                k: dict(sorted(counts.channel_losses.get(k, {}).items()))
                for k in channel_order(counts.channels, found)
            },
        },
        "tracked": sorted(
            {
                found.channels[code].value
                for code, made in found.contents.items()
                if render.is_personal(made, found.links)
            }
        ),
        "balanced": _balances(counts),
    }


def newest(
    world: World,
    channel_key: str,
    before: str,
    limit: int,
    since: int = 0,
    until: int | None = None,
) -> Sequence[Summary]:
    """An access channel's messages, newest first, from before a msgid on: those accepted from one time (ms) to before another.

    Raises NotFound where there is no such channel.
    """
    if world.settings.access_channel(channel_key) is None:
        raise NotFound("access channel")
    now = world.clock.now()
    oldest = now - (world.limits.history_days * 86400 + LONGEST) * 1000
    end = keys.message_id(now + 1 if until is None else min(until, now + 1), bytes(4))
    return world.messages.newest(
        channel_key, min(before, end) if before else end, max(since, oldest), limit
    )


def _targets(found: Message, counts: Counts) -> int | None:
    """How many there are; None while the walkers of an audience have not come to its end."""
    if not found.audience.is_scanned:
        return len(found.userids)
    return counts.users.get("planned", 0) if counts.ends >= found.audience.walkers else None


def _status(found: Message, counts: Counts) -> str:
    is_planned = counts.ends >= found.audience.walkers
    if not counts.users.get("planned") and not is_planned:
        return "accepted"
    left = counts.open.get("undecided", 0) + counts.open.get("unsubmitted", 0)
    return "sending" if left or not is_planned else "finished"


def _balances(counts: Counts) -> bool:
    """Planned = valid + lost, by people; planned = submitted + lost + still open, by channel."""
    users = counts.users.get("planned", 0) == counts.users.get("valid", 0) + sum(
        counts.user_losses.values()
    )
    planned = sum(c.get("planned", 0) for c in counts.channels.values())
    submitted = sum(c.get("submitted", 0) for c in counts.channels.values())
    lost = sum(
        n
        for c in counts.channel_losses.values()
        for reason, n in c.items()
        if not reason.startswith("delivery_failed")
    )
    return users and planned == submitted + lost + counts.open.get("unsubmitted", 0)


def target(world: World, channel_key: str, msgid: str, userid: str) -> dict[str, Any]:
    """Raises NotFound when the access channel has no such message, or the message no such target."""
    found = own(world, channel_key, msgid)
    at = _chunk_of(world, found, userid)
    chunk = world.ledger.chunk(at) if at else None
    for position, planned in enumerate(chunk.plan.targets if chunk else ()):
        if chunk and planned.id == userid:
            return _life(found, chunk, position)
    if userid in found.userids:
        state = "withdrawn" if world.messages.withdrawn(msgid) else "accepted"
        return {
            "msgid": msgid,
            "target": userid,
            "state": state,
            "loss": None,
            "refused": {},
            "deliveries": [],
        }
    raise NotFound("target")


def target_with(
    world: World, channel_key: str, msgid: str, kind: ChannelType, contact: str
) -> dict[str, Any]:
    """The same of a target that was named by its contact."""
    return target(world, channel_key, msgid, target_of(world.vault, kind, contact))


def _chunk_of(world: World, found: Message, name: str) -> ChunkId | None:
    """The chunk that a target is in, if it is in one."""
    if found.audience.is_scanned:
        return _stretch_of(world, found, name)
    number: int | None = 0 if name in found.userids else None
    while number is not None:
        plan = world.ledger.plan(ChunkId(found.msgid, number))
        if plan is None or any(planned.id == name for planned in plan.targets):
            return plan.id if plan else None
        number = found.chunk_after(number) if plan.next is not None else None
    return None


def _stretch_of(world: World, found: Message, userid: str) -> ChunkId | None:
    """The chunk of a walked audience whose stretch has the user's place: by halving, since a walker's chunks are in order."""
    walker, ref = found.audience.walker_of(userid), keys.position(userid)

    def ends_before(n: int) -> bool:
        plan = world.ledger.plan(ChunkId(found.msgid, walker + n * found.audience.walkers))
        return plan is not None and plan.next is not None and plan.next < ref

    low, high = -1, 0
    while ends_before(high):
        low, high = high, 2 * high + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if ends_before(middle) else (low, middle)
    return ChunkId(found.msgid, walker + high * found.audience.walkers)


def _life(found: Message, chunk: Chunk, position: int) -> dict[str, Any]:
    planned = chunk.plan.targets[position]
    deliveries = [
        _delivery(found, chunk, step, decided.time, ref)
        for step, decided, ref in chunk.refs(found)
        if ref.target == position
    ]
    states = [d["state"] for d in deliveries]
    order = ("clicked", "delivered", "submitted", "withdrawn", "delivery_failed", "pending")
    state = (
        "invalid"
        if planned.loss
        else next((s for s in order if s in states), states[-1] if states else "pending")
    )
    return {
        "msgid": found.msgid,
        "target": planned.id,
        "state": state,
        "loss": planned.loss.value if planned.loss else None,
        "refused": dict(planned.refused),
        "planned": chunk.plan.time,
        "deliveries": deliveries,
    }


def _delivery(found: Message, chunk: Chunk, step: int, decided: int, ref: Any) -> dict[str, Any]:
    known = chunk.of(ref)
    call = next((a for a in chunk.answers.values() if any(f.ref == ref for f in a.facts)), None)
    facts = sorted(known.facts.values(), key=lambda f: (f.time, f.kind))
    provider_id = next(
        (f.provider_id for f in facts if f.provider_id), call.provider_id if call else ""
    )
    return {
        "step": step + 1,
        "channel": found.channels[ref.channel].value,
        "code": ref.channel,
        "contact": ref.contact + 1,
        "state": known.state,
        "decided": decided,
        "provider_id": provider_id,
        "withdrawal": next(
            (
                kind.value
                for kind in (FactKind.WITHDRAWN, FactKind.WITHDRAW_FAILED)
                if known.has(kind)
            ),
            None,
        ),
        "facts": [
            {"fact": f.kind.value, "time": f.time, "code": f.code, "source": f.source}
            for f in facts
        ],
    }
