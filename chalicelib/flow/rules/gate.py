"""Apply the rules of sending, each in its turn. domain/rules/checks.py has the whole order.

A rule that an access channel does not use costs no request: its settings are in the record of the
access channel, which every sender's request reads from the cache.

A simulation (reports/simulation.py) applies the same rules to a dry world (rules/dry.py). There the
stores that rules count with are only read, and answer as if they had counted. So a rule does not
know about simulations. It counts with `World.counters`, or adds its own store to `dry`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.messages import Hold, Message
from chalicelib.domain.plans import Entrants
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.resolve import ResolvedSend
from chalicelib.flow.rules import (
    ab_tests,
    budget,
    callbacks,
    caps,
    choice,
    consents,
    personal,
    quiet_hours,
    sensitive_words,
    third_party,
    topics,
)
from chalicelib.flow.select import Selection
from chalicelib.ports import World

__all__ = ("Hold", "MessageRule", "Selection", "StepRule", "TargetRule")


MessageRule = Callable[[World, SendRequest, ResolvedSend], Hold | None]
TargetRule = Callable[[World, Message, Sequence[Selection]], Sequence[Selection]]
StepRule = Callable[[World, Message, int], Hold | None]
EntrantRule = Callable[[World, Message, Chunk, Entrants], Entrants]

# In the order of domain/rules/checks.py.
MESSAGE_RULES: tuple[MessageRule, ...] = (
    third_party.for_message,
    topics.for_message,
    callbacks.check,
    sensitive_words.for_message,
    quiet_hours.for_message,
)
TARGET_RULES: tuple[TargetRule, ...] = (
    ab_tests.for_targets,  # the first one: it takes the place of what the selection said
    topics.for_targets,
    consents.for_targets,
    personal.for_targets,
    sensitive_words.for_targets,
    choice.for_targets,
    caps.for_targets,  # the last one before the budget: what is left out must not count
)
# By stem. A message has the stems of those that its access channel used when it was accepted.
STEP_RULES: Mapping[str, StepRule] = {quiet_hours.RULE: quiet_hours.for_step}
ENTRANT_RULES: tuple[EntrantRule, ...] = (caps.for_entrants, budget.for_entrants)


def for_message(
    world: World,
    request: SendRequest,
    resolved: ResolvedSend,
    rules: Sequence[MessageRule] = MESSAGE_RULES,
) -> Hold | None:
    """Return the longest hold of an acceptable message. Raise the Refusal of the first rule."""
    holds = [rule(world, request, resolved) for rule in rules]
    return max((hold for hold in holds if hold is not None), default=None)


def for_targets(
    world: World,
    message: Message,
    number: int,
    selections: Sequence[Selection],
    rules: Sequence[TargetRule] = TARGET_RULES,
) -> Sequence[Selection]:
    """Return the selections of a chunk after every rule, as many and in the same order."""
    for rule in rules:
        selections = rule(world, message, selections)
    paid = budget.for_targets(world, message, number, selections)
    caps.give_back_left_out(world, message, selections, paid)
    return paid


def for_entrants(world: World, message: Message, chunk: Chunk, entrants: Entrants) -> Entrants:
    """Return the entrants of a later step after every rule, before they are frozen."""
    for rule in ENTRANT_RULES:
        entrants = rule(world, message, chunk, entrants)
    return entrants


def for_step(world: World, message: Message, step: int) -> Hold | None:
    """Return the longest hold of a later step of a strategy, before anybody enters it."""
    holds = [STEP_RULES[stem](world, message, step) for stem in message.step_rules]
    return max((hold for hold in holds if hold is not None), default=None)


def for_members(
    world: World, message: Message, chunk: Chunk, step: int, members: Sequence[int]
) -> Mapping[int, Hold]:
    """Return the holds of targets that would enter a step now. Who is not held may enter it."""
    hold = for_step(world, message, step) if members else None
    held = topics.for_members(message, chunk, step, members, world.clock.now())
    return held if hold is None else {t: max(hold, held.get(t, hold)) for t in members}


def step_rules(request: SendRequest, resolved: ResolvedSend) -> tuple[str, ...]:
    """Return the stems of the rules that later steps have to pass, none without such steps.

    Where people have zones of their own, the first step begins later for some of them.
    """
    has_zones = request.occasion is not None and request.occasion.zone_attribute
    has_later = len(resolved.strategy.steps) > 1 or has_zones
    return tuple(stem for stem in STEP_RULES if has_later and stem in request.channel.rules)
