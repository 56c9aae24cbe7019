"""A/B tests: variants of a message, who gets which of them, and which one has won. Pure.

Everybody has a bucket in each test, by a hash. So the people of a variant stay the same, however
often they are asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from chalicelib.domain import keys, zones
from chalicelib.domain.plans import TargetLoss
from chalicelib.domain.proportions import fisher, holm
from chalicelib.domain.rules.schedules import Timing
from chalicelib.domain.values import frozen

BUCKETS = 10_000  # of an audience
MIN_VARIANTS, MAX_VARIANTS = 2, 5
OPTION = "option"


class Metric(StrEnum):
    """The event by which variants are compared."""

    DELIVERED = "delivered"
    CLICKED = "clicked"


class Then(StrEnum):
    """The consequence of a decision."""

    SEND = "send"  # the winner, to the rest
    BASELINE = "baseline"  # to the rest
    ASK = "ask"  # a member chooses, or nobody does


class Phase(StrEnum):
    STARTING = "starting"  # the messages of the variants are accepted just now
    RUNNING = "running"
    DECIDED = "decided"  # nothing was sent to the rest, and a member may choose
    SENDING = "sending"  # the message to the rest is accepted just now
    SENT = "sent"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"  # a member may still choose


def bucket(test: str, target: str) -> int:
    """Return the bucket of a target in a test: a hash, so that buckets are of one size."""
    name = keys.join(test, target).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big") % BUCKETS


class Split(NamedTuple):
    """The part of an audience that a message of a test is for: the buckets `first` to `end`.

    The buckets from `held` on are targets too, which get nothing. `variant` names the content.
    """

    test: str
    variant: str
    first: int
    end: int
    held: int = BUCKETS
    clicks: bool = False  # its clicks are compared, so each person needs links of their own

    def includes(self, target: str) -> bool:
        place = bucket(self.test, target)
        return self.first <= place < self.end or place >= self.held

    def holds_out(self, target: str) -> bool:
        return self.held < BUCKETS and bucket(self.test, target) >= self.held

    @property
    def share(self) -> float:
        """The part of the audience that are targets."""
        return (self.end - self.first + BUCKETS - self.held) / BUCKETS


class Figures(NamedTuple):
    """People of a variant by the stages of the funnel, without those who are held out."""

    planned: int
    valid: int
    submitted: int
    delivered: int
    clicked: int

    def reached(self, metric: Metric) -> int:
        return self.clicked if metric is Metric.CLICKED else self.delivered


def figures(users: Mapping[str, int], losses: Mapping[str, int]) -> Figures:
    """Read the figures of a variant from the people of its message, by stage and by loss."""
    stages = {stage: users.get(stage, 0) for stage in Figures._fields}
    stages["planned"] -= losses.get(TargetLoss.HOLDOUT, 0)
    return Figures(**stages)


class Failure(NamedTuple):
    """The reason why a message of a test did not come about, or does not count."""

    outcome: str  # refused, missed, rejected, in_review, cancelled, withdrawn or deleted
    code: int = 0  # of the error of a refusal
    reason: str = ""


@frozen
class Variant:
    """A variant with its share of the audience in buckets, and what became of it."""

    name: str
    share: int
    msgid: str = ""  # of its message, or of the stored request that becomes its message
    failure: Failure | None = None
    recounted: int = 0  # ms: when its chunks were asked to be counted once more
    measured: int = 0  # ms
    figures: Figures | None = None  # at its end

    @property
    def is_over(self) -> bool:
        return self.failure is not None or self.figures is not None


class Comparison(NamedTuple):
    """A variant beside the baseline: the p-value alone, and adjusted for all comparisons."""

    variant: str
    p: float
    adjusted: float


class Decision(NamedTuple):
    """The end of a test. `winner` is empty if no difference is certain enough."""

    time: int  # ms
    winner: str
    comparisons: tuple[Comparison, ...] = ()


class Rest(NamedTuple):
    """The message to the rest of the audience. `by`: the member who chose it, empty: the rule."""

    variant: str
    by: str
    time: int  # ms
    msgid: str = ""
    failure: Failure | None = None


@frozen
class AbTest:
    """An A/B test. Its first variant is the baseline. Bodies stand in its stored request."""

    variants: tuple[Variant, ...]
    holdout: int  # buckets
    metric: Metric
    minutes: int  # from the start of a variant's message to its measurement
    confidence: float  # such as 0.95
    if_winner: Then = Then.SEND
    if_none: Then = Then.ASK
    phase: Phase = Phase.STARTING
    withdraws: bool = False  # its cancellation takes messages back
    decision: Decision | None = None
    rest: Rest | None = None

    @property
    def baseline(self) -> Variant:
        return self.variants[0]

    @property
    def rest_share(self) -> int:
        return BUCKETS - self.holdout - sum(variant.share for variant in self.variants)

    @property
    def may_choose(self) -> bool:
        """A member may send a variant to the rest."""
        return self.rest_share > 0 and self.phase in (Phase.DECIDED, Phase.CANCELLED)

    def is_certain(self, adjusted: float) -> bool:
        """Tell if a comparison is certain enough, by its adjusted p-value."""
        return adjusted <= 1 - self.confidence

    def variant(self, name: str) -> Variant | None:
        return next((variant for variant in self.variants if variant.name == name), None)

    def split(self, id: str, name: str) -> Split:
        """Return the people of a variant. Those who are held out stand in the baseline's message.

        So each person of the audience is a target of one message at most.
        """
        first = 0
        for variant in self.variants:
            if variant.name == name:
                break
            first += variant.share
        held = BUCKETS - self.holdout if name == self.baseline.name else BUCKETS
        clicks = self.metric is Metric.CLICKED
        return Split(id, name, first, first + variant.share, held, clicks)

    def split_of_rest(self, id: str, name: str) -> Split:
        """Return everybody else, as the people of a message with a variant's content."""
        end = BUCKETS - self.holdout
        return Split(id, name, end - self.rest_share, end)

    def group(self, id: str, target: str) -> str:
        """Return the name of a target's variant, `holdout`, or an empty text for the rest."""
        if bucket(id, target) >= BUCKETS - self.holdout:
            return TargetLoss.HOLDOUT.value
        named = (v.name for v in self.variants if self.split(id, v.name).includes(target))
        return next(named, "")

    def decided(self, now: int) -> AbTest:
        """Return the test after its end, with what follows from its decision."""
        decision = decide(self, now)
        chosen = ""
        if decision.winner and self.if_winner is Then.SEND:
            chosen = decision.winner
        elif not decision.winner and self.if_none is Then.BASELINE and not self.baseline.failure:
            chosen = self.baseline.name
        if not chosen or not self.rest_share:
            return replace(self, decision=decision, phase=Phase.DECIDED)
        rest = Rest(chosen, "", now)
        return replace(self, decision=decision, rest=rest, phase=Phase.SENDING)


def decide(test: AbTest, now: int) -> Decision:
    """Compare each variant with the baseline by Fisher's exact test, with Holm's correction.

    The unit is a person of the variant, reachable or not, since only these groups differ by chance
    alone. The winner is the best of the variants that are surely better than the baseline. The
    baseline has won if all others are surely worse.
    """
    base, others = test.baseline.figures, [v for v in test.variants[1:] if v.figures is not None]
    if base is None or not others:
        return Decision(now, "")
    pairs = [(v.name, v.figures) for v in others if v.figures is not None]
    hits = base.reached(test.metric)
    values = [fisher(f.reached(test.metric), f.planned, hits, base.planned) for _, f in pairs]
    adjusted = holm(values)
    rows = zip(pairs, values, adjusted, strict=True)
    comparisons = tuple(Comparison(name, p, q) for (name, _), p, q in rows)
    sure = [n for n, q in enumerate(adjusted) if test.is_certain(q)]
    rate = _rate(base, test.metric)
    better = [n for n in sure if _rate(pairs[n][1], test.metric) > rate]
    winner = ""
    if better:
        winner = pairs[max(better, key=lambda n: _rate(pairs[n][1], test.metric))][0]
    elif len(sure) == len(pairs):
        winner = test.baseline.name
    return Decision(now, winner, comparisons)


def _rate(figures: Figures, metric: Metric) -> float:
    return figures.reached(metric) / figures.planned if figures.planned else 0.0


def overlaid(body: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Return a send's body with the fields of a variant in the place of its own.

    A null takes a field away. Options are replaced one by one.
    """
    laid = {**body, **overlay}
    if isinstance(body.get(OPTION), Mapping) and isinstance(overlay.get(OPTION), Mapping):
        laid[OPTION] = {**body[OPTION], **overlay[OPTION]}
    return {name: value for name, value in laid.items() if value is not None}


def same_time(timing: Timing, now: int) -> Timing:
    """Return the next occurrence of a time of the day: today's if it is still to come."""
    local = datetime.fromisoformat(timing.at)
    day = zones.shown(now, timing.place).date()
    for days in range(3):  # clocks may leave a time out
        at = datetime.combine(day + timedelta(days=days), local.time())
        if zones.moment(at, timing.place) > now:
            return replace(timing, at=at.isoformat())
    return timing
