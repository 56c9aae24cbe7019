"""Keep to frequency caps: count a message for each person before it may go to them.

Counting comes last of all rules. So what falls out for another reason is never counted. A mark
names its message, and a repeat of the same planning finds it. Who falls out after all, because
nothing was submitted, gives the marks back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from chalicelib.domain import keys
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.facts import FactKind
from chalicelib.domain.funnel import is_undecided
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Entrants, Plan
from chalicelib.domain.rules.caps import ANY, LOSS, Ask, Mark, count, without
from chalicelib.flow import marks
from chalicelib.flow.select import Selection, leave_out
from chalicelib.ports import World


def for_targets(
    world: World, message: Message, selections: Sequence[Selection]
) -> Sequence[Selection]:
    """Count the message for each selected target, and leave out what a cap does not allow."""
    if not message.caps:
        return selections
    first = {channel_type.value for channel_type in message.strategy.steps[0].channels}
    asks: dict[str, Ask] = {}
    for selection in selections:
        if selection.target.loss is None:
            types = {message.channels[code].value for code in selection.contacts}
            ask = _ask(message, types & first, is_first=True, has_others=bool(types - first))
            asks[_name(message, selection.target.id)] = ask
    refused = _count(world, message, asks)
    return [
        _allowed(message, selection, refused.get(_name(message, selection.target.id), frozenset()))
        for selection in selections
    ]


def _ask(message: Message, types: Collection[str], *, is_first: bool, has_others: bool) -> Ask:
    return Ask(
        message.msgid, message.priority.value, message.topic, frozenset(types), is_first, has_others
    )


def _name(message: Message, target: str) -> str:
    kind = "contact" if message.audience.kind is AudienceKind.CONTACTS else "user"
    return keys.join("cap", message.channel_key, kind, target)


def _allowed(message: Message, selection: Selection, refused: Collection[str]) -> Selection:
    """Return a selection without its contacts on the refused channel types."""
    left_out = [
        code
        for code in selection.sendable
        if ANY in refused or message.channels[code].value in refused
    ]
    return leave_out(selection, dict.fromkeys(left_out, LOSS))


def for_entrants(world: World, message: Message, chunk: Chunk, entrants: Entrants) -> Entrants:
    """Count the channel types of a later step, and leave out contacts that a cap does not allow."""
    if not message.caps:
        return entrants
    codes, asks = message.codes_of(entrants.step), dict[str, Ask]()
    for t in entrants.members:
        target = chunk.plan.targets[t]
        types = {message.channels[code].value for code in codes if code in target.contacts}
        asks[_name(message, target.id)] = _ask(message, types, is_first=False, has_others=False)
    refused = _count(world, message, asks)
    left_out = {
        (t, code): LOSS
        for t in entrants.members
        for code in codes
        if code in chunk.plan.targets[t].contacts
        and message.channels[code].value
        in refused.get(_name(message, chunk.plan.targets[t].id), frozenset())
    }
    return replace(entrants, refused={**entrants.refused, **left_out})


# -- give back


def settle_chunk(world: World, message: Message, chunk: Chunk, targets: Iterable[int] = ()) -> None:
    """Give back the marks of what was not sent and never will be, as the chunk says."""
    if not message.caps:
        return
    kinds_by_name = {
        _name(message, chunk.plan.targets[t].id): kinds
        for t in sorted(set(targets) or chunk.plan.valid)
        if chunk.plan.targets[t].loss is None and (kinds := _fallen(message, chunk, t))
    }
    _give_back(world, message.msgid, kinds_by_name)


def _fallen(message: Message, chunk: Chunk, target: int) -> frozenset[str]:
    """Return the kinds of marks that a target has no reason to keep."""
    is_decided = not is_undecided(message, chunk, target)
    is_over, may_have, fallen = is_decided, False, set[str]()
    for step, within in enumerate(message.strategy.steps):
        has_entered, codes_of = target in chunk.members(step), message.codes_of(step)
        for channel_type in within.channels:
            codes = [code for code in codes_of if message.channels[code] is channel_type]
            states = chunk.deliveries_of(target, codes) if has_entered else []
            ended = all(state.ended for state in states)
            sent = any(state.submitted or state.has(FactKind.UNKNOWN) for state in states)
            may_have = may_have or sent
            is_over = is_over and ended
            if ended and not sent and (has_entered or is_decided):
                fallen.add(channel_type.value)
    return frozenset(fallen | ({ANY} if is_over and not may_have else set()))


def give_back_plan(world: World, message: Message, plan: Plan, stored: Plan | None = None) -> None:
    """Give back what a plan has counted that was not stored, or not for the same targets.

    `stored` is the plan of another worker that stands.
    """
    if not message.caps or plan is stored:
        return
    standing = {stored.targets[t].id for t in stored.valid} if stored else set()
    give_back(
        world, message, [id for t in plan.valid if (id := plan.targets[t].id) not in standing]
    )
    chunk = world.ledger.chunk(stored.id, message) if stored is not None else None
    if chunk is not None:
        settle_chunk(world, message, chunk)


def give_back_left_out(
    world: World, message: Message, before: Sequence[Selection], after: Sequence[Selection]
) -> None:
    """Give back the marks of what a rule after this one has left out."""
    kinds_by_name = {
        _name(message, old.target.id): _left_out(message, old, new)
        for old, new in (zip(before, after, strict=True) if message.caps else ())
        if old.target.loss is None and old.contacts != new.contacts
    }
    _give_back(world, message.msgid, kinds_by_name)


def _left_out(message: Message, before: Selection, after: Selection) -> frozenset[str]:
    """Return the kinds of marks that a selection keeps no contacts for."""
    had, has = ({message.channels[code].value for code in one.sendable} for one in (before, after))
    return frozenset((had - has) | (set() if has else {ANY}))


def give_back(world: World, message: Message, targets: Iterable[str]) -> None:
    """Give back all marks of a message for targets that get nothing of it."""
    if not message.caps:
        return
    every = frozenset({ANY, *(channel_type.value for channel_type in message.strategy.channels)})
    _give_back(world, message.msgid, {_name(message, target): every for target in targets})


# -- marks


def _count(world: World, message: Message, asks: Mapping[str, Ask]) -> dict[str, frozenset[str]]:
    """Count for all names, and return the refused kinds by name."""
    refused: dict[str, frozenset[str]] = {}

    def counted(name: str, known: Sequence[Mark]) -> Sequence[Mark] | None:
        answer = count(known, message.caps, asks[name], world.clock.now())
        refused[name] = answer.refused
        return answer.marks if len(set(answer.marks) - set(known)) else None

    marks.change(world, asks, counted)
    return refused


def _give_back(world: World, msgid: str, kinds_by_name: Mapping[str, frozenset[str]]) -> None:
    def given_back(name: str, known: Sequence[Mark]) -> Sequence[Mark] | None:
        left = without(known, msgid, kinds_by_name[name])
        return left if len(left) < len(known) else None

    marks.change(world, kinds_by_name, given_back)
