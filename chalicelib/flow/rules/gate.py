"""Apply the rules of sending, each in its turn. domain/rules/checks.py has the whole order.

A rule that an access channel does not use costs no request: its settings are in the record of the
access channel, which every sender's request reads from the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Entrants
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.resolve import ResolvedSend
from chalicelib.flow.rules import caps, personal, topics
from chalicelib.flow.select import Selection
from chalicelib.ports import World


class Hold(NamedTuple):
    """A reason to send later. `until`: epoch milliseconds."""

    until: int
    reason: str


MessageRule = Callable[[World, SendRequest, ResolvedSend], Hold | None]
TargetRule = Callable[[World, Message, Sequence[Selection]], Sequence[Selection]]
EntrantRule = Callable[[World, Message, Chunk, Entrants], Entrants]

# In the order of domain/rules/checks.py.
MESSAGE_RULES: tuple[MessageRule, ...] = (topics.for_message,)
TARGET_RULES: tuple[TargetRule, ...] = (
    personal.for_targets,
    caps.for_targets,  # the last one: what any rule leaves out must not count
)
ENTRANT_RULES: tuple[EntrantRule, ...] = (caps.for_entrants,)  # the last one, as above


def for_message(world: World, request: SendRequest, resolved: ResolvedSend) -> Hold | None:
    """Return the longest hold of an acceptable message. Raise the Refusal of the first rule."""
    holds = [rule(world, request, resolved) for rule in MESSAGE_RULES]
    return max((hold for hold in holds if hold is not None), default=None)


def for_targets(
    world: World, message: Message, selections: Sequence[Selection]
) -> Sequence[Selection]:
    """Return the selections of a chunk after every rule, as many and in the same order."""
    for rule in TARGET_RULES:
        selections = rule(world, message, selections)
    return selections


def for_entrants(world: World, message: Message, chunk: Chunk, entrants: Entrants) -> Entrants:
    """Return the entrants of a later step after every rule, before they are frozen."""
    for rule in ENTRANT_RULES:
        entrants = rule(world, message, chunk, entrants)
    return entrants
