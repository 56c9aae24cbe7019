"""Reach: how far each message to a person got on a channel type, as marks of the person.

The own rates of people are counted from it, see domain/rules/choice.py.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.facts import DeliveryState
from chalicelib.domain.funnel import stages_of
from chalicelib.domain.messages import Message
from chalicelib.domain.rules import choice
from chalicelib.domain.rules.caps import Mark
from chalicelib.domain.strategies import Choice

LASTS = choice.DAYS * 86_400_000  # ms
MOST_OF_TYPE = 20  # messages of a channel type that are kept of a person

_STAGES = ("submitted", "delivered", "clicked")


class Reach(NamedTuple):
    """The furthest stage of a message on a channel type. `seen` counts the facts, and only grows.

    A mail that came back is no longer delivered. So the stage itself may also go back.
    """

    channel_type: str
    stage: str
    seen: int

    @property
    def kind(self) -> str:
        return "|".join(map(str, self))


def reach_of(mark: Mark) -> Reach:
    channel_type, stage, seen = mark.kind.split("|")
    return Reach(channel_type, stage, int(seen))


def reached(message: Message, chunk: Chunk) -> dict[str, list[Mark]]:
    """Return what became of a message on each channel type, by the targets that it went to."""
    states: defaultdict[tuple[int, str], list[DeliveryState]] = defaultdict(list)
    for _, _, ref in chunk.refs(message):
        states[ref.target, message.channels[ref.channel].value].append(chunk.state_of(ref))
    marks: defaultdict[str, list[Mark]] = defaultdict(list)
    for (t, channel_type), of_type in sorted(states.items()):
        stages = {stage for state in of_type for stage in stages_of(state)}
        stage = next((stage for stage in reversed(_STAGES) if stage in stages), None)
        if stage:
            seen = sum(len(state.facts) for state in of_type)
            kind = Reach(channel_type, stage, seen).kind
            at = message.starts
            mark = Mark(message.msgid, kind, 0, 0, at, at + LASTS)
            marks[chunk.plan.targets[t].id].append(mark)
    return dict(marks)


def grown(marks: Iterable[Mark], new: Iterable[Mark], now: int) -> list[Mark]:
    """Return the reach of messages to a person after more is known. What came late changes nothing.

    Each message counts once on a channel type, and the newest messages of a type are kept.
    """
    last: dict[tuple[str, str], Mark] = {}
    for mark in (*marks, *new):
        at = reach_of(mark).channel_type, mark.msgid
        if mark.until > now and (at not in last or _is_later(mark, last[at])):
            last[at] = mark
    kept: defaultdict[str, list[Mark]] = defaultdict(list)
    for (channel_type, _), mark in sorted(last.items()):
        kept[channel_type].append(mark)
    return [mark for of_type in kept.values() for mark in of_type[-MOST_OF_TYPE:]]


def _is_later(mark: Mark, than: Mark) -> bool:
    return reach_of(mark).seen > reach_of(than).seen


def own_rates(marks: Iterable[Mark], by: Choice, now: int) -> dict[str, float]:
    """Return the rates of channel types for one person."""
    stages = Counter[tuple[str, str]]()
    for mark in marks:
        channel_type, stage, _ = reach_of(mark)
        if mark.until > now:
            passed = _STAGES[: _STAGES.index(stage) + 1]
            stages.update((channel_type, name) for name in passed)
    return choice.rates_of(stages, by, choice.ENOUGH_OWN)
