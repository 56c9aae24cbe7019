"""Report on a message: its funnels and losses, and the life cycle of each target.

Only the access channel that sent a message may read its report.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.domain import elements, prices, reasons, targets
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import NotFound
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.funnel import (
    EXTRAS,
    LOST_AFTER_SUBMISSION,
    STAGES,
    Counts,
    channel_order,
)
from chalicelib.domain.masks import masked
from chalicelib.domain.messages import Message
from chalicelib.flow import evaluate, tally
from chalicelib.flow.content import render
from chalicelib.flow.messages import ending_of, sent_by
from chalicelib.flow.select import target_of
from chalicelib.ports import World
from chalicelib.reports import life, withdrawal
from chalicelib.reports.chunks import chunk_of

_STATES = (
    "clicked",
    "delivered",
    "submitted",
    "withdrawn",
    "bounced",
    "delivery_failed",
    "pending",
)


# -- a message


def message(world: World, channel_key: str, msgid: str) -> dict[str, Any]:
    """Report on a message: status, progress, funnels and losses.

    Raises NotFound when the access channel has no such message.
    """
    sent = sent_by(world, channel_key, msgid)
    ending = ending_of(world, msgid)
    evaluate.settle(world, sent)
    counts = tally.counts_of(world, sent)
    status = "withdrawn" if ending else _status(sent, counts)
    return {
        "msgid": msgid,
        "status": status,
        **_asked(sent),
        "ended": _ended(sent, counts, is_withdrawn=ending is not None),
        "held_until": sent.hold.until if sent.hold else None,
        "hold_reason": sent.hold.reason if sent.hold else None,
        "progress": _progress(sent, counts),
        "funnel": _funnel(sent, counts),
        "steps": _steps(sent, counts),
        "losses": _losses(sent, counts),
        "cost": _cost(world, sent, counts),
        "tracked": _tracked(sent),
        "balanced": _balances(counts),
        "withdrawal": withdrawal.shown(counts) if ending else None,
    }


def _asked(sent: Message) -> dict[str, Any]:
    """Return what the message was asked for with, by whom and when."""
    number, version = sent.template
    return {
        "name": sent.name,
        "owner": sent.owner,
        "origin": sent.origin or "api",
        "sender": sent.sender or None,
        "accepted": sent.accepted,
        "priority": sent.priority.value,
        "template": {"id": number, "version": version} if number else None,
        "rule_id": sent.rule_id,
        "ab_test": {"id": sent.split.test, "variant": sent.split.variant} if sent.split else None,
        "sendno": sent.sendno,
    }


def _progress(sent: Message, counts: Counts) -> dict[str, Any]:
    open_counts = ("undecided", "unsubmitted", "awaiting_receipt")
    return {
        "targets": _targets(sent, counts),
        "planned": counts.users.get("planned", 0),
        **{name: counts.open.get(name, 0) for name in open_counts},
    }


def _targets(sent: Message, counts: Counts) -> int | None:
    """Return the number of targets.

    None while the partitions of an audience have not come to its end.
    """
    if not sent.audience.is_scanned:
        return len(sent.userids)
    return counts.users.get("planned", 0) if _is_planned(sent, counts) else None


def _is_planned(sent: Message, counts: Counts) -> bool:
    return counts.ends >= sent.audience.partitions


def _status(sent: Message, counts: Counts) -> str:
    is_planned = _is_planned(sent, counts)
    if not counts.users.get("planned") and not is_planned:
        return "accepted"
    left = counts.open.get("undecided", 0) + counts.open.get("unsubmitted", 0)
    return "sending" if left or not is_planned else "finished"


def _ended(sent: Message, counts: Counts, *, is_withdrawn: bool) -> int | None:
    """Return the time of the last fact, once nothing is to be sent any more."""
    is_over = is_withdrawn and not counts.open.get("unsubmitted", 0)
    return max(sent.starts, counts.last) if is_over or _status(sent, counts) == "finished" else None


def _funnel(sent: Message, counts: Counts) -> dict[str, Any]:
    channels: dict[str, dict[str, int]] = {}
    for kind in channel_order(counts.channels, sent):
        stages = counts.channels[kind]
        channels[kind] = {stage: stages.get(stage, 0) for stage in STAGES}
        channels[kind] |= {extra: stages[extra] for extra in EXTRAS if extra in stages}
    return {"users": {stage: counts.users.get(stage, 0) for stage in STAGES}, "channels": channels}


def _steps(sent: Message, counts: Counts) -> list[dict[str, Any]]:
    return [
        {
            "step": number,
            "channels": [channel_type.value for channel_type in step.channels],
            "targets": counts.steps.get(str(number), 0),
        }
        for number, step in enumerate(sent.strategy.steps, 1)
    ]


def _losses(sent: Message, counts: Counts) -> dict[str, Any]:
    kinds = channel_order(counts.channels, sent)
    return {
        "users": dict(sorted(counts.user_losses.items())),
        "channels": {
            kind: dict(sorted(counts.channel_losses.get(kind, {}).items())) for kind in kinds
        },
    }


def _cost(world: World, sent: Message, counts: Counts) -> dict[str, Any]:
    kinds = channel_order(counts.costs, sent)
    return {
        "total": prices.shown(sum(counts.costs.values())),
        "channels": {kind: prices.shown(counts.costs[kind]) for kind in kinds},
        "currency": world.limits.currency,
    }


def _tracked(sent: Message) -> list[str]:
    """Return the channel types whose clicks are counted by short links."""
    codes = (code for code in sent.contents if render.is_personal(sent.contents[code], sent.links))
    return sorted({sent.channels[code].value for code in codes})


def _balances(counts: Counts) -> bool:
    """Check that nobody is lost from the ledger.

    By people: planned = valid + lost. By channel: planned = submitted + lost + still open.
    """
    valid, lost_users = counts.users.get("valid", 0), sum(counts.user_losses.values())
    planned = sum(stages.get("planned", 0) for stages in counts.channels.values())
    submitted = sum(stages.get("submitted", 0) for stages in counts.channels.values())
    lost = 0
    for losses in counts.channel_losses.values():
        lost += sum(n for reason, n in losses.items() if not _is_after_submission(reason))
    users_balance = counts.users.get("planned", 0) == valid + lost_users
    return users_balance and planned == submitted + lost + counts.open.get("unsubmitted", 0)


def _is_after_submission(reason: str) -> bool:
    return reason.partition(":")[0] in LOST_AFTER_SUBMISSION


# -- a target


def target(world: World, channel_key: str, msgid: str, userid: str) -> dict[str, Any]:
    """Report the life cycle of a target.

    Raises NotFound when the access channel has no such message, or the message no such target.
    """
    sent = sent_by(world, channel_key, msgid)
    ending = ending_of(world, msgid)
    evaluate.settle(world, sent)
    at = chunk_of(world, sent, userid)
    chunk = world.ledger.chunk(at, sent) if at else None
    return target_in(world, sent, chunk, userid, is_over=ending is not None)


def target_in(
    world: World, sent: Message, chunk: Chunk | None, userid: str, *, is_over: bool
) -> dict[str, Any]:
    """Report the life cycle of a target in its chunk, if there is one. Raises NotFound.

    `is_over`: the message was withdrawn.
    """
    for position, planned in enumerate(chunk.plan.targets if chunk else ()):
        if chunk and planned.id == userid:
            return _life(world, sent, chunk, position)
    if userid not in sent.userids:
        raise NotFound("target")
    return {
        "msgid": sent.msgid,
        "target": userid,
        "state": "withdrawn" if is_over else "accepted",
        "loss": None,
        "why": None,
        "refused": {},
        "checks": [],
        "conditions": [],
        "choices": [],
        "waiting": None if is_over else life.held(sent),
        "deliveries": [],
    }


def target_with(
    world: World, channel_key: str, msgid: str, kind: ChannelType, contact: str
) -> dict[str, Any]:
    """Report the life cycle of a target that was named by its contact."""
    return target(world, channel_key, msgid, target_of(world.vault, kind, contact))


def _life(world: World, sent: Message, chunk: Chunk, position: int) -> dict[str, Any]:
    planned = chunk.plan.targets[position]
    deliveries = [
        _delivery(sent, chunk, step, entrants.time, ref)
        for step, entrants, ref in chunk.refs(sent)
        if ref.target == position
    ]
    states = [delivery["state"] for delivery in deliveries]
    best = next(
        (state for state in _STATES if state in states), states[-1] if states else "pending"
    )
    return {
        "msgid": sent.msgid,
        "target": planned.id,
        "state": "invalid" if planned.loss else best,
        "loss": planned.loss.value if planned.loss else None,
        "why": reasons.of_loss(planned.loss.value)._asdict() if planned.loss else None,
        "refused": _refused(chunk, position),
        "choices": list(life.choices(sent, chunk, position)),
        "waiting": life.waiting(world, sent, chunk, position),
        "planned": chunk.plan.time,
        "checks": list(targets.checks(sent, chunk, position)),
        "conditions": list(targets.conditions(sent, chunk, position, world.clock.now())),
        "deliveries": deliveries,
    }


def _refused(chunk: Chunk, position: int) -> dict[str, str]:
    """Return why contacts of a target were left out, by delivery channel: at once, or by a step."""
    later = {code: why for (target, code), why in chunk.refused.items() if target == position}
    refused = {**chunk.plan.targets[position].refused, **later}
    return {elements.channel_of(code): why for code, why in refused.items()}


def _delivery(
    sent: Message, chunk: Chunk, step: int, decided: int, ref: DeliveryRef
) -> dict[str, Any]:
    state = chunk.state_of(ref)
    facts = sorted(state.facts.values(), key=lambda fact: (fact.time, fact.kind))
    withdrawals = (FactKind.WITHDRAWN, FactKind.WITHDRAW_FAILED)
    return {
        "step": step + 1,
        "channel": sent.channels[ref.channel].value,
        "code": elements.channel_of(ref.channel),
        "element": elements.number_of(ref.channel),
        "contact": ref.contact + 1,
        "masked": masked(chunk.plan.contact(ref)),
        "state": state.state,
        "decided": decided,
        "provider_id": _provider_id(chunk, ref, facts),
        "withdrawal": next((kind.value for kind in withdrawals if state.has(kind)), None),
        "cost": prices.shown(state.cost),
        "facts": [_fact(fact) for fact in facts],
    }


def _provider_id(chunk: Chunk, ref: DeliveryRef, facts: Sequence[Fact]) -> str:
    """Return the delivery's own id at the provider, else that of its call."""
    for fact in facts:
        if fact.provider_id:
            return fact.provider_id
    for answer in chunk.answers.values():
        if any(fact.ref == ref for fact in answer.facts):
            return answer.provider_id
    return ""


def _fact(fact: Fact) -> dict[str, Any]:
    sentence = reasons.of_loss(f"{fact.kind.value}:{fact.code}".rstrip(":"))
    known = {"fact": fact.kind.value, "time": fact.time, "code": fact.code, "source": fact.source}
    return {**known, "zh": sentence.zh, "en": sentence.en}
