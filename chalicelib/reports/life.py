"""The life cycle of a target beside its deliveries: the choices of steps, and what it waits for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chalicelib.domain import reasons
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.messages import Hold, Message
from chalicelib.domain.plans import UNCHOSEN, Unchosen
from chalicelib.domain.strategies import Verdict
from chalicelib.flow.rules import gate
from chalicelib.ports import World


def waiting(world: World, sent: Message, chunk: Chunk, position: int) -> dict[str, Any] | None:
    """Return the step that a target waits for, until when, and why. None: it waits for none."""
    target, now = chunk.plan.targets[position], world.clock.now()
    steps = range(len(sent.strategy.steps))
    step = next((step for step in steps if position not in chunk.members(step)), None)
    if target.loss is not None or chunk.withdrawn is not None or step is None:
        return None
    if step == 0:
        start = Hold(chunk.plan.starts[position], "schedule")
        late = gate.for_members(world, sent, chunk, step, [position]) if start.until <= now else {}
        return _waits(step, late.get(position, start))
    verdict, due = chunk.verdict(sent, position, step, now)
    if verdict is Verdict.WAIT:
        return _waits(step, Hold(due, "condition")) if due is not None else None
    held = gate.for_members(world, sent, chunk, step, [position])
    is_held = verdict is Verdict.GO and position in held
    return _waits(step, held[position]) if is_held else None


def held(sent: Message) -> dict[str, Any] | None:
    """Return the hold of a message of which nothing is planned."""
    return _waits(0, sent.hold) if sent.hold else None


def _waits(step: int, hold: Hold) -> dict[str, Any]:
    sentence = reasons.HOLDS[hold.reason]
    return {
        "step": step + 1,
        "until": hold.until,
        "reason": hold.reason,
        "zh": sentence.zh,
        "en": sentence.en,
    }


def choices(sent: Message, chunk: Chunk, position: int) -> Iterator[dict[str, Any]]:
    """Yield what steps have chosen for a target. `reason` is that of what was left out."""
    planned = chunk.plan.targets[position]
    for number, step in enumerate(sent.strategy.steps):
        codes = sent.codes_of(number) if step.choose else ()
        channel = next((sent.channels[code] for code in codes if code in planned.contacts), None)
        left_out = {planned.refused.get(code) for code in codes} & UNCHOSEN
        reason = next((why for why in Unchosen if why in left_out), None)
        if step.choose and channel:
            sentence = reasons.LEFT_OUT[reason] if reason else reasons.ONLY
            yield {
                "step": number + 1,
                "choose": step.choose.value,
                "channel": channel.value,
                "reason": reason.value if reason else None,
                "zh": sentence.zh,
                "en": sentence.en,
            }
