"""Strategies: steps of channels, each after the first with a condition on earlier steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid
from chalicelib.domain.records import Kind
from chalicelib.domain.values import frozen


class Missing(StrEnum):
    """An event whose absence makes a condition hold."""

    DELIVERED = "delivered"
    CLICKED = "clicked"


class Operator(StrEnum):
    AND = "and"
    OR = "or"


class Choice(StrEnum):
    """A way to choose one channel type of a step for each target, instead of all of them."""

    CHEAPEST = "cheapest"  # by the price of the delivery channel that reaches the target
    BEST = "best"  # by the delivered part of what was submitted in the last 30 days
    MOST_CLICKED = "most_clicked"  # by the clicked part of it
    PREFERENCE = "preference"  # by what the target prefers for the topic of the message

    @property
    def is_by_rate(self) -> bool:
        return self in (Choice.BEST, Choice.MOST_CLICKED)


@frozen
class Term:
    """A term of a condition: `missing` has not come on `channel` within `within` seconds."""

    channel: ChannelType
    missing: Missing
    within: int


@frozen
class Step:
    channels: tuple[ChannelType, ...]
    terms: tuple[Term, ...] = ()
    operator: Operator = Operator.AND
    choose: Choice | None = None  # None: a target gets all channels


@frozen
class Strategy:
    """`rule_id` in the API. Without one, a message has a single step with all its channels."""

    steps: tuple[Step, ...]

    @property
    def channels(self) -> tuple[ChannelType, ...]:
        return tuple(c for step in self.steps for c in step.channels)

    @property
    def clicks(self) -> frozenset[ChannelType]:
        """The channel types whose clicks a condition depends on."""
        return frozenset(
            t.channel for step in self.steps for t in step.terms if t.missing is Missing.CLICKED
        )

    @property
    def length(self) -> int:
        """The seconds from the first submission to the last possible condition."""
        return sum(max((t.within for t in step.terms), default=0) for step in self.steps)

    def timetable(
        self, start: int = 0, held: Callable[[int, int], int] = lambda step, at: at
    ) -> tuple[int, ...]:
        """Return the times (ms) at which each step begins for a target whom no channel reaches.

        Each channel submits at once when its step begins. `held` returns the time until which a
        step that is due at a time is held.
        """
        begins: dict[ChannelType, int] = {}
        times: list[int] = []
        for number, step in enumerate(self.steps):
            due = [begins[term.channel] + term.within * 1000 for term in step.terms]
            begun = (max if step.operator is Operator.AND else min)(due, default=start)
            begun = max([begun, *times[-1:]])
            times.append(held(number, begun) if number else begun)
            begins |= dict.fromkeys(step.channels, times[-1])
        return tuple(times)


@frozen
class StrategyEntry:
    """A strategy with its number, its name and its access channel."""

    number: int
    channel_key: str
    name: str
    strategy: Strategy
    version: int = 1


STRATEGIES = Kind[StrategyEntry](
    "strategy",
    "strategy",
    key=lambda entry: entry.number,
    scope=lambda entry: entry.channel_key,
)
MAX_WITHIN = 7 * 86400


def check(strategy: Strategy) -> None:
    """Raise Invalid for a strategy that could repeat a channel, wait for nothing or never end."""
    if not strategy.steps:
        raise Invalid("steps", "a strategy has at least one step")
    seen: dict[ChannelType, Step] = {}
    for n, step in enumerate(strategy.steps):
        if not step.channels:
            raise Invalid(f"steps[{n}].channels", "at least one channel")
        _check_terms(n, step, seen)
        for channel in step.channels:
            if channel in seen:
                raise Invalid(
                    f"steps[{n}].channels",
                    "{channel_type} stands in the strategy already; each channel once",
                    channel_type=channel.value,
                )
            seen[channel] = step
        if step.choose and len(step.channels) < 2:
            raise Invalid(f"steps[{n}].choose", "needs at least two channels to choose from")


def _check_terms(n: int, step: Step, before: Mapping[ChannelType, Step]) -> None:
    """Check the condition of a step. `before`: the channels of earlier steps."""
    field = f"steps[{n}].condition"
    if n == 0 and step.terms:
        raise Invalid(field, "the first step has no condition")
    if n and not step.terms:
        raise Invalid(field, "a condition on an earlier step is required")
    for term in step.terms:
        if term.channel not in before:
            reason = "{channel_type} is not a channel of an earlier step: this step would never run"
            raise Invalid(field, reason, channel_type=term.channel.value)
        if not 1 <= term.within <= MAX_WITHIN:
            raise Invalid(field, "within: 1 to {most} seconds", most=MAX_WITHIN)
    named = {term.channel for term in step.terms}
    for channel in sorted(named):
        missing = set(before[channel].channels) - named if before[channel].choose else ()
        if missing:
            reason = "must name {types} too: a person gets one of them"
            raise Invalid(field, reason, types=sorted(missing))


class Verdict(StrEnum):
    GO = "go"  # the condition holds: the target goes on to the next step
    STAY = "stay"  # the condition can never hold any more: the target was reached
    WAIT = "wait"


@frozen
class Progress:
    """The progress of a target on one channel type: that of the best of its deliveries.

    `submitted_at`: its last submission (ms), or None while a submission is still to come. `over`:
    every delivery there has ended without submission, or there never was a delivery. So a channel
    on which the target has no contact never reaches it.
    """

    delivered: bool = False
    clicked: bool = False
    submitted_at: int | None = None
    over: bool = False


def judge(
    step: Step, progress: Mapping[ChannelType, Progress], now: int
) -> tuple[Verdict, int | None]:
    """Judge whether a target goes on to `step`.

    A term whose channel has no progress does not count: another channel was chosen there.
    For WAIT, also return the time (ms) at which to judge again, or None: after a submission.
    """
    judged = [
        judge_term(term, progress[term.channel], now)
        for term in step.terms
        if term.channel in progress
    ]
    verdicts = {verdict for verdict, _ in judged}
    decisive, weak = (
        (Verdict.STAY, Verdict.GO) if step.operator is Operator.AND else (Verdict.GO, Verdict.STAY)
    )
    if decisive in verdicts:
        return decisive, None
    if verdicts == {weak}:
        return weak, None
    waits = [at for verdict, at in judged if verdict is Verdict.WAIT and at is not None]
    return Verdict.WAIT, min(waits, default=None)


def judge_term(term: Term, progress: Progress, now: int) -> tuple[Verdict, int | None]:
    reached = progress.clicked or (progress.delivered and term.missing is Missing.DELIVERED)
    if reached:
        return Verdict.STAY, None
    if progress.over:
        return Verdict.GO, None
    if progress.submitted_at is None:
        return Verdict.WAIT, None
    due = progress.submitted_at + term.within * 1000
    return (Verdict.GO, None) if now >= due else (Verdict.WAIT, due)
