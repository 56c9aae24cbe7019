"""Targets of a message: rows of lists and exports, the checks made, and the conditions judged.

All of it follows from the message and its chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from chalicelib.domain import elements
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryRef, DeliveryState, Fact, FactKind
from chalicelib.domain.funnel import losses_of, reported_at
from chalicelib.domain.messages import Message
from chalicelib.domain.rules.checks import CHECKS, Check, Stage
from chalicelib.domain.strategies import Missing, Operator, Term, Verdict, judge_term

OUTCOMES = {Verdict.STAY: "reached", Verdict.GO: "missing", Verdict.WAIT: "open"}


# -- rows


class Row(NamedTuple):
    """A delivery of a target, or a target without any. `ref` is None there."""

    target: str
    state: str
    reason: str  # empty where nothing is lost
    ref: DeliveryRef | None = None
    step: int = 0
    time: int = 0  # ms: of the latest fact

    def has(self, reason: str, state: str) -> bool:
        """Tell if a row is lost for a reason, with or without its code, and in a state."""
        return reason in ("", self.reason, self.reason.partition(":")[0]) and state in (
            "",
            self.state,
        )


def rows(message: Message, chunk: Chunk) -> Iterator[Row]:
    """Yield a row for each delivery, and one for each target without any."""
    by_target: dict[int, list[tuple[int, DeliveryRef]]] = {}
    for step, _, ref in chunk.refs(message):
        by_target.setdefault(ref.target, []).append((step, ref))
    for number, target in enumerate(chunk.plan.targets):
        if number not in by_target:
            loss = target.loss.value if target.loss else ""
            yield Row(target.id, "invalid" if loss else "pending", loss)
        for step, ref in by_target.get(number, ()):
            state = chunk.state_of(ref)
            reason = next(iter(losses_of(state)), "")
            time = max((fact.time for fact in state.facts.values()), default=0)
            yield Row(target.id, state.state, reason, ref, step + 1, time)


# -- checks

_ALWAYS = ("user", "suppressions", "contacts")
_USED: Mapping[str, Callable[[Message], Any]] = {
    "day of the schedule": lambda message: message.occasion,
    "blacklist": lambda message: message.black_id,
    "whitelist": lambda message: message.white_id,
    "preferences": lambda message: message.topic,
    "consent": lambda message: message.purpose,
    "personal values": lambda message: message.personal,
    "choice of a channel": lambda message: any(step.choose for step in message.strategy.steps),
    "caps": lambda message: message.caps,
    "A/B test": lambda message: message.split,
}


def checks(message: Message, chunk: Chunk, position: int) -> Iterator[dict[str, Any]]:
    """Yield the checks of a target that the message asked for, in their order, up to its loss.

    A check has passed or failed, or it left contacts out on some delivery channels.
    """
    target = chunk.plan.targets[position]
    later = {code: why for (of, code), why in chunk.refused.items() if of == position}
    refused = {**target.refused, **later}
    for check in CHECKS:
        left = {elements.channel_of(c): why for c, why in refused.items() if why in check.outcomes}
        is_failed = target.loss is not None and target.loss.value in check.outcomes
        if check.stage is not Stage.TARGET or not (left or is_failed or _is_used(message, check)):
            continue
        outcome = "failed" if is_failed else "left_out" if left else "passed"
        yield {"check": check.name, "outcome": outcome, "channels": left}
        if is_failed:
            return


def _is_used(message: Message, check: Check) -> bool:
    return check.name in _ALWAYS or (check.name in _USED and bool(_USED[check.name](message)))


# -- conditions


def conditions(message: Message, chunk: Chunk, position: int, now: int) -> Iterator[dict[str, Any]]:
    """Yield the condition of each later step that was judged for a target, and its outcome."""
    for number, step in enumerate(message.strategy.steps[1:], 1):
        if position not in chunk.members(number - 1):
            return
        began = next(
            (each.time for each in chunk.entrants_of(number) if position in each.members), None
        )
        known = chunk if began is None else _as_of(chunk, began)
        at = now if began is None else began
        terms = [_term(message, known, position, term, at) for term in step.terms]
        counted = [term for term in terms if term is not None]
        yield {
            "step": number + 1,
            "channels": [kind.value for kind in step.channels],
            "operator": step.operator.value,
            **_outcome(message, chunk, position, number, counted, began, now),
            "terms": counted,
        }


def _outcome(
    message: Message,
    chunk: Chunk,
    position: int,
    number: int,
    terms: Sequence[Mapping[str, Any]],
    began: int | None,
    now: int,
) -> dict[str, Any]:
    """Return the outcome of a condition, and when (ms) it was judged or is judged again."""
    if began is not None:
        return {"outcome": "began", "time": began}
    verdict, again = chunk.verdict(message, position, number, now)
    if verdict is Verdict.STAY:
        skips = [state.facts[FactKind.SKIPPED].time for state in _skipped(message, chunk, position)]
        times = [term["time"] for term in terms if term["outcome"] == "reached"]
        is_and = message.strategy.steps[number].operator is Operator.AND
        reached = (min if is_and else max)(times, default=None)
        return {"outcome": "reached", "time": min(skips, default=reached)}
    if chunk.withdrawn is not None:
        return {"outcome": "withdrawn", "time": chunk.withdrawn}
    return {"outcome": "due" if verdict is Verdict.GO else "open", "time": again}


def _term(
    message: Message, chunk: Chunk, position: int, term: Term, at: int
) -> dict[str, Any] | None:
    """Judge a term as of a time. None: another channel was chosen for the target."""
    codes = [code for code, kind in message.channels.items() if kind is term.channel]
    if chunk.plan.targets[position].has_another_than(codes):
        return None
    states = chunk.deliveries_of(position, codes)
    verdict, due = judge_term(term, chunk.best(states), at)
    return {
        "channel": term.channel.value,
        "missing": term.missing.value,
        "within": term.within,
        "outcome": OUTCOMES[verdict],
        "time": _reached(term, states) if verdict is Verdict.STAY else _due(term, states, due),
    }


def _reached(term: Term, states: Sequence[DeliveryState]) -> int | None:
    kind = FactKind.CLICKED if term.missing is Missing.CLICKED else FactKind.DELIVERED
    times = [time for state in states if (time := reported_at(state, kind)) is not None]
    return min(times, default=None)


def _due(term: Term, states: Sequence[DeliveryState], due: int | None) -> int | None:
    """Return when the time of a term is over, or when nothing could be submitted any more."""
    submitted = [s.facts[FactKind.SUBMITTED].time for s in states if s.has(FactKind.SUBMITTED)]
    if due is not None or submitted:
        return due or max(submitted) + term.within * 1000
    ended = [fact.time for state in states if state.ended for fact in state.facts.values()]
    return max(ended, default=None)


def _skipped(message: Message, chunk: Chunk, position: int) -> list[DeliveryState]:
    states = chunk.deliveries_of(position, message.channels)
    return [state for state in states if state.has(FactKind.SKIPPED)]


def _as_of(chunk: Chunk, time: int) -> Chunk:
    """Return a chunk with the facts that are not later than a time (ms)."""

    def known(facts: Sequence[Fact]) -> tuple[Fact, ...]:
        return tuple(fact for fact in facts if fact.time <= time)

    answers = {
        key: replace(answer, facts=known(answer.facts)) for key, answer in chunk.answers.items()
    }
    return replace(chunk, answers=answers, reported=known(chunk.reported))


def types_of(message: Message, row: Row) -> tuple[ChannelType | None, str]:
    """Return the channel type and the delivery channel of a row, None and empty without any."""
    if row.ref is None:
        return None, ""
    return message.channels[row.ref.channel], elements.channel_of(row.ref.channel)
