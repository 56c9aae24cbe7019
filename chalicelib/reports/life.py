"""Choices in the life cycle of a target: the channel of each step that chooses one, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chalicelib.domain import reasons
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import UNCHOSEN, Unchosen


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
