"""Apply the rules of sending, each in its turn. domain/rules/checks.py has the whole order.

A rule that an access channel does not use costs no request: its settings are in the record of the
access channel, which every sender's request reads from the cache.

A simulation (reports/simulation.py) applies the same rules to a dry world (rules/dry.py). There the
stores that rules count with are only read, and answer as if they had counted. So a rule does not
know about simulations. It counts with `World.counters`, or adds its own store to `dry`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from chalicelib.domain.messages import Message
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.resolve import ResolvedSend
from chalicelib.flow.rules import choice
from chalicelib.flow.select import Selection
from chalicelib.ports import World


class Hold(NamedTuple):
    """A reason to send later. `until`: epoch milliseconds."""

    until: int
    reason: str


MessageRule = Callable[[World, SendRequest, ResolvedSend], Hold | None]
TargetRule = Callable[[World, Message, Sequence[Selection]], Sequence[Selection]]

# In the order of domain/rules/checks.py.
MESSAGE_RULES: tuple[MessageRule, ...] = ()
TARGET_RULES: tuple[TargetRule, ...] = (choice.for_targets,)


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
