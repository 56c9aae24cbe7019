"""Keep to the budget of an access channel's month: count a chunk before anybody is called.

Each list of entrants of a chunk has a document that says what it counts. The document changes in
one transaction with that of the month, each from the version that was read. So nothing is counted
twice, and two chunks never exceed the budget together. What was not submitted gives its cost back.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib import observability
from chalicelib.domain import keys
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.facts import DeliveryRef, FactKind
from chalicelib.domain.funnel import is_undecided
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Entrants, Plan
from chalicelib.domain.rules.budget import LOSS, Budget, granted, month_of, settings_of
from chalicelib.flow.costs import Expected
from chalicelib.flow.rules.dry import is_dry
from chalicelib.flow.select import Selection, leave_out
from chalicelib.observability import log
from chalicelib.ports import Document, World
from chalicelib.ports.figures import Key

ROUNDS = 30  # of one change, when others change the same month meanwhile
LISTS = 30  # that change together, each perhaps with a month of its own

Costs = Mapping[str, int]  # by delivery channel


def used(world: World, channel: AccessChannel) -> tuple[str, int]:
    """Return the month, and what of its budget is used (millionths)."""
    month = month_of(world.clock.now(), world.limits.utc_offset)
    key = _month_key(channel.key, month)
    stored = world.figures.load([key]).get(key)
    return month, stored.body["used"] if stored else 0


def _month_key(channel_key: str, month: str) -> Key:
    return keys.join("budget", channel_key), month


def _list_key(at: ChunkId, step: int, number: int) -> Key:
    return at.msgid, keys.join("budget", at.number, step, number)


def _budget(world: World, message: Message) -> Budget | None:
    """Return the budget as it is now, None for a message that does not count."""
    channel = world.settings.access_channel(message.channel_key) if message.budget else None
    return settings_of(channel.rules) if channel is not None else None


# -- count


def for_targets(
    world: World, message: Message, number: int, selections: Sequence[Selection]
) -> Sequence[Selection]:
    """Count the first step of a chunk, and leave out contacts that the budget does not pay for."""
    budget = _budget(world, message)
    if budget is None:
        return selections
    expected, codes = Expected(world, message), message.codes_of(0)
    costs = [
        {code: expected.of(code, s.contacts.get(code, ()), s.values) for code in codes}
        for s in selections
    ]
    at = _list_key(ChunkId(message.msgid, number), 0, 0)
    fits = _reserve(world, message, budget, at, [sum(of.values()) for of in costs])
    return [
        selection if fit else leave_out(selection, dict.fromkeys(_costly(of), LOSS))
        for selection, of, fit in zip(selections, costs, fits, strict=True)
    ]


def _costly(costs: Costs) -> list[str]:
    return [code for code, cost in costs.items() if cost]


def for_entrants(world: World, message: Message, chunk: Chunk, entrants: Entrants) -> Entrants:
    """Count a later step, and leave out contacts that the budget does not pay for."""
    budget = _budget(world, message) if entrants.step else None
    if budget is None:
        return entrants
    costs = [_costs_of(world, message, chunk.plan, entrants, t) for t in entrants.members]
    at = _list_key(chunk.plan.id, entrants.step, entrants.number)
    fits = _reserve(world, message, budget, at, [sum(of.values()) for of in costs])
    left_out = {
        (t, code): LOSS
        for t, of, fit in zip(entrants.members, costs, fits, strict=True)
        if not fit
        for code in _costly(of)
    }
    return replace(entrants, refused={**entrants.refused, **left_out})


def _costs_of(world: World, message: Message, plan: Plan, entrants: Entrants, t: int) -> Costs:
    expected = Expected(world, message)
    return {
        code: expected.of(code, plan.contacts[t].get(code, ()), plan.values_of(t))
        for code in message.codes_of(entrants.step)
        if (t, code) not in entrants.refused
    }


def _reserve(
    world: World, message: Message, budget: Budget, at: Key, costs: Sequence[int]
) -> list[bool]:
    """Count as many of these costs as the budget has left. A repeat counts nothing again."""
    fits = [True] * len(costs)

    def reserved(held: int, spent: int) -> int:
        fits[:] = granted(costs, budget.per_month - spent + held)
        return max(held, sum(cost for cost, fit in zip(costs, fits, strict=True) if fit))

    if any(costs):
        before, after = _change(world, message, {at: reserved}, adds=True)
        _tell(world, message, budget, before, after, is_over=not all(fits))
    return fits


def _tell(
    world: World, message: Message, budget: Budget, before: int, after: int, *, is_over: bool
) -> None:
    """Warn once when a month comes to the share, and whenever somebody is left out."""
    events = {"budget_warned": before < budget.warned_from <= after, "budget_used_up": is_over}
    for event, happened in events.items():
        if happened and not is_dry(world):
            fields = {"channel_key": message.channel_key, "used": after}
            log.warning(event, extra={**fields, "budget": budget.per_month, "msgid": message.msgid})
            observability.metric("budgets_short")


# -- give back


def settle_chunk(world: World, message: Message, chunk: Chunk) -> None:
    """Count each list by what was submitted, and what still may be, as the chunk says."""
    if not message.budget:
        return
    first = Entrants(0, 0, chunk.plan.valid, chunk.plan.time)
    lists = [first, *(entrants for entrants in chunk.entrants if entrants.step)]
    due = [
        (_list_key(chunk.plan.id, e.step, e.number), sum(_due(world, message, chunk, e)))
        for e in lists
    ]
    due += [(key, 0) for key in _never_frozen(message, chunk)]
    for start in range(0, len(due), LISTS):
        some = due[start : start + LISTS]
        _change(world, message, {key: _always(amount) for key, amount in some}, seen=chunk.seen)


def _never_frozen(message: Message, chunk: Chunk) -> Iterator[Key]:
    """Yield the lists that a worker has counted and died, once nobody can enter them any more."""
    if not any(is_undecided(message, chunk, target) for target in chunk.plan.valid):
        for step in range(1, len(message.strategy.steps)):
            yield _list_key(chunk.plan.id, step, len(chunk.entrants_of(step)))


def _due(world: World, message: Message, chunk: Chunk, entrants: Entrants) -> Iterator[int]:
    expected = Expected(world, message)
    for code in message.codes_of(entrants.step):
        for ref in chunk.plan.deliveries(code, entrants):
            yield _due_of(chunk, ref, expected)


def _due_of(chunk: Chunk, ref: DeliveryRef, expected: Expected) -> int:
    state = chunk.state_of(ref)
    call = state.facts.get(FactKind.SUBMITTED) or state.facts.get(FactKind.UNKNOWN)
    if call is not None:  # of an unknown delivery: the provider may have it
        return call.cost
    if state.ended and not state.submitted:  # a receipt or click may come before its submission
        return 0
    contact = chunk.plan.contact(ref)
    return expected.of(ref.channel, (contact,), chunk.plan.values_of(ref.target))


def give_back_plan(world: World, message: Message, plan: Plan, stored: Plan | None) -> None:
    """Give back what a plan has counted that was not stored. `stored`: another that stands."""
    if not message.budget or plan is stored:
        return
    if stored is None:
        _change(world, message, {_list_key(plan.id, 0, 0): _always(0)})
        return
    chunk = world.ledger.chunk(plan.id, message)
    if chunk is not None:
        settle_chunk(world, message, chunk)


# -- documents

# Returns what a list counts, from what it counted before and what its month has spent.
_Change = Callable[[int, int], int]


def _always(amount: int) -> _Change:
    return lambda held, spent: amount


def _change(
    world: World,
    message: Message,
    changes: Mapping[Key, _Change],
    *,
    adds: bool = False,
    seen: int = 0,
) -> tuple[int, int]:
    """Change what lists count. Return what the last one's month had spent, and has now.

    `adds`: also lists that have counted nothing yet. `seen`: how much of the chunk the changes
    follow from. A list that was counted by more stays as it is. Raises TimeoutError.
    """
    for tried in range(ROUNDS):
        attempt = _Round(world, message, changes, adds, seen)
        if not attempt.documents or world.figures.store(attempt.documents):
            return attempt.before, attempt.after
        world.clock.sleep(random.uniform(0, min(0.01 * 2**tried, 0.5)))  # noqa: S311 - spreads
    raise TimeoutError("the budget of a month was contended in every round")


class _Round:
    """One reading of lists and their months, and the documents that change them."""

    def __init__(
        self, world: World, message: Message, changes: Mapping[Key, _Change], adds: bool, seen: int
    ) -> None:
        today = month_of(world.clock.now(), world.limits.utc_offset)
        self._stored = dict(world.figures.load([*changes, _month_key(message.channel_key, today)]))
        lists = dict[Key, Mapping[str, Any]]()
        for key in changes:
            if key not in self._stored:
                lists |= {key: {"month": today, "amount": 0}} if adds else {}
            elif not seen or seen >= self._stored[key].body.get("seen", 0):
                lists[key] = self._stored[key].body
        months = {key: _month_key(message.channel_key, of["month"]) for key, of in lists.items()}
        others = sorted({*months.values()} - self._stored.keys())
        self._stored |= world.figures.load(others) if others else {}
        self.documents: list[Document] = []
        self.before = self.after = 0
        spent: dict[Key, int] = {}
        for key, body in lists.items():
            month = months[key]
            self.before = spent.get(month, self._spent(month))
            amount = changes[key](body["amount"], self.before)
            spent[month] = self.after = self.before + amount - body["amount"]
            if amount != body["amount"]:
                counted = {"seen": seen} if seen else {}
                self._put(key, {**body, "amount": amount, **counted}, message.expires)
        for month, now in spent.items():
            if now != self._spent(month):
                self._put(month, {"used": now})

    def _spent(self, month: Key) -> int:
        return self._stored[month].body["used"] if month in self._stored else 0

    def _put(self, key: Key, body: Mapping[str, object], expires: int | None = None) -> None:
        before = self._stored.get(key)
        version = before.version + 1 if before else 1
        self.documents.append(Document(key, version, body, expires))
