"""Counts of a chunk: funnels by people and by channel, losses by reason, and what is still open.

The counts of a message are the sum of its chunks' counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, fields
from typing import Any, NamedTuple

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryState, FactKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import TargetLoss
from chalicelib.domain.strategies import Verdict
from chalicelib.domain.values import frozen

STAGES = ("planned", "valid", "submitted", "delivered", "clicked")

# Per channel, beside the stages: mails that were opened or complained of, links that a bot fetched.
EXTRAS = ("opened", "scanned", "complained")

# What becomes of the deliveries of a withdrawn message: stopped before they were submitted, taken
# back, not to be taken back, or not known yet.
WITHDRAWAL = ("stopped", "recalled", "failed", "open")

# Milliseconds after its submission in which a delivery's receipts count in its message's details.
COUNTED_WITHIN = 7 * 86_400_000

# Deliveries that are planned and not valid: to wrong contacts, and those that a step left out.
LOST_AS_INVALID = frozenset({FactKind.INVALID_TARGET.value, *TargetLoss})
LOST_AFTER_SUBMISSION = (FactKind.BOUNCED, FactKind.DELIVERY_FAILED)
_LOST_BEFORE_SUBMISSION = (
    FactKind.INVALID_TARGET,
    FactKind.SUBMIT_FAILED,
    FactKind.UNKNOWN,
    FactKind.SKIPPED,
    FactKind.EXPIRED,
    FactKind.WITHDRAWN,
)


@frozen
class Counts:
    """Counts of a chunk, or of several.

    `users` and `channels` count stages. The losses count reasons. `seen` orders two counts of the
    same chunk.
    """

    seen: int = 0
    users: Mapping[str, int] = field(default_factory=Counter)
    channels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    user_losses: Mapping[str, int] = field(default_factory=Counter)
    channel_losses: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    # how many targets each step was decided for
    steps: Mapping[str, int] = field(default_factory=Counter)
    # unsubmitted deliveries, undecided targets, awaited receipts
    open: Mapping[str, int] = field(default_factory=Counter)
    ends: int = 0  # chunks with which a partition of the audience ends
    last: int = 0  # ms: the time of the latest fact
    # deliveries of a withdrawn message by what became of them, see WITHDRAWAL
    withdrawal: Mapping[str, int] = field(default_factory=Counter)
    # millionths of the currency that submitted deliveries cost, by channel type
    costs: Mapping[str, int] = field(default_factory=Counter)

    def plain(self) -> dict[str, Any]:
        """Return dicts and numbers to store, which `Counts(**plain)` reads."""
        plain = {f.name: _plain(getattr(self, f.name)) for f in fields(self)}
        for name in ("withdrawal", "costs"):  # which most messages lack
            if not plain[name]:
                del plain[name]
        return plain


def _plain(value: Any) -> Any:
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def count(message: Message, chunk: Chunk) -> Counts:
    stages_of_target: dict[int, set[str]] = defaultdict(set)
    stages: dict[str, Counter[str]] = defaultdict(Counter)
    losses: dict[str, Counter[str]] = defaultdict(Counter)
    still_open, costs = Counter[str](), Counter[str]()
    for _, _, ref in chunk.refs(message):
        channel_type, state = message.channels[ref.channel].value, chunk.state_of(ref)
        stages[channel_type].update(_in_time(message, state))
        losses[channel_type].update(losses_of(state))
        costs[channel_type] += state.cost
        stages_of_target[ref.target].update(stages_of(state))
        still_open.update(_open(state))
    for _, _, code, reason in refused(message, chunk):
        channel_type = message.channels[code].value
        stages[channel_type]["planned"] += 1
        losses[channel_type][reason] += 1
    still_open["undecided"] = sum(is_undecided(message, chunk, t) for t in chunk.plan.valid)
    return Counts(
        withdrawal=_withdrawn(message, chunk),
        seen=chunk.seen,
        users=_users(chunk, stages_of_target),
        channels=dict(stages),
        user_losses=Counter(t.loss.value for t in chunk.plan.targets if t.loss),
        channel_losses=dict(losses),
        steps=_steps(message, chunk),
        open=still_open,
        ends=int(chunk.plan.next is None),
        last=chunk.last,
        costs=+costs,
    )


def _open(state: DeliveryState) -> list[str]:
    """Return what is still to come of a delivery."""
    unsubmitted = [] if state.ended else ["unsubmitted"]
    return [*unsubmitted, "awaiting_receipt"] if _awaits_receipt(state) else unsubmitted


def _steps(message: Message, chunk: Chunk) -> Counter[str]:
    steps = range(len(message.strategy.steps))
    return Counter({str(step + 1): len(chunk.members(step)) for step in steps})


class Refused(NamedTuple):
    """A target's contacts on a delivery channel that a step left out, with the reason."""

    step: int
    target: int
    channel: str
    reason: str


def refused(message: Message, chunk: Chunk) -> Iterator[Refused]:
    """Yield what steps left out: contacts that are dead, have opted out, or have got enough."""
    for step in range(len(message.strategy.steps)):
        for target in chunk.members(step):
            planned = chunk.plan.targets[target]
            for code in message.codes_of(step):
                if (target, code) in chunk.refused:
                    yield Refused(step, target, code, chunk.refused[target, code])
                elif planned.lacks(code):
                    yield Refused(step, target, code, planned.refused[code])


def reported_at(state: DeliveryState, kind: FactKind) -> int | None:
    """Return when (ms) it was reported that a delivery arrived or was clicked, None if never.

    A click also says that the delivery arrived.
    """
    if not (state.clicked if kind is FactKind.CLICKED else state.delivered):
        return None
    kinds = (kind,) if kind is FactKind.CLICKED else (kind, FactKind.CLICKED)
    return min(state.facts[known].time for known in kinds if known in state.facts)


def _in_time(message: Message, state: DeliveryState) -> list[str]:
    """Return the stages of a delivery without what was reported after a week, as UMS does."""
    submitted = state.facts.get(FactKind.SUBMITTED)
    end = (submitted.time if submitted else message.starts) + COUNTED_WITHIN
    late = {
        kind.value
        for kind in (FactKind.DELIVERED, FactKind.CLICKED)
        if (reported_at(state, kind) or 0) > end
    }
    return [stage for stage in stages_of(state) if stage not in late]


def stages_of(state: DeliveryState) -> list[str]:
    """Return the stages of the funnel that a delivery has reached."""
    reached = ["planned"]
    if state.submitted or not state.has(FactKind.INVALID_TARGET):
        reached.append("valid")
    reached += [name for name in EXTRAS if state.has(FactKind(name))]
    if state.submitted:
        reached.append("submitted")
    if state.delivered:
        reached.append("delivered")
    if state.clicked:
        reached.append("clicked")
    return reached


def _awaits_receipt(state: DeliveryState) -> bool:
    has_result = state.delivered or state.has(*LOST_AFTER_SUBMISSION, FactKind.WITHDRAWN)
    return state.submitted and not has_result


def losses_of(state: DeliveryState) -> list[str]:
    """Return why a delivery is lost, as a list of at most one reason."""
    if state.delivered:
        return []
    if state.has(*LOST_AFTER_SUBMISSION):
        return [_reason(state, kind) for kind in LOST_AFTER_SUBMISSION if state.has(kind)][:1]
    if state.submitted:
        return []
    return [_reason(state, kind) for kind in _LOST_BEFORE_SUBMISSION if state.has(kind)][:1]


def _withdrawn(message: Message, chunk: Chunk) -> Counter[str]:
    if chunk.withdrawn is None:
        return Counter()
    results = Counter(_withdrawal(chunk.state_of(ref)) for _, _, ref in chunk.refs(message))
    del results[""]
    return results


def _withdrawal(state: DeliveryState) -> str:
    """Return what a withdrawal did to a delivery, empty if there was nothing left to stop."""
    was_submitted = FactKind.SUBMITTED in state.facts
    if state.has(FactKind.WITHDRAWN):
        return "recalled" if was_submitted else "stopped"
    if state.has(FactKind.WITHDRAW_FAILED):
        return "failed"
    return "open" if was_submitted or not state.ended else ""


def _reason(state: DeliveryState, kind: FactKind) -> str:
    code = state.facts[kind].code
    return f"{kind.value}:{code}" if code else kind.value


def _users(chunk: Chunk, stages_of_target: Mapping[int, set[str]]) -> Counter[str]:
    users = Counter(planned=len(chunk.plan.targets), valid=len(chunk.plan.valid))
    for stages in stages_of_target.values():
        users.update(stages - {"planned", "valid"})
    return users


def is_undecided(message: Message, chunk: Chunk, target: int) -> bool:
    """Return whether a target may still go on to a further step."""
    last = len(message.strategy.steps) - 1
    if chunk.withdrawn is not None:
        return False
    if target not in chunk.members(0):
        return True
    step = max((n for n in range(last + 1) if target in chunk.members(n)), default=0)
    if step == last:
        return False
    return chunk.verdict(message, target, step + 1, message.accepted)[0] is not Verdict.STAY


def total(chunks: Iterable[Counts]) -> Counts:
    """Return the sum of chunks."""
    result: dict[str, Any] = {
        name: Counter() for name in ("users", "user_losses", "steps", "open", "withdrawal", "costs")
    }
    nested: dict[str, Any] = {"channels": {}, "channel_losses": {}}
    seen = ends = last = 0
    for counts in chunks:
        seen, ends, last = seen + counts.seen, ends + counts.ends, max(last, counts.last)
        for name, counter in result.items():
            counter.update(getattr(counts, name))
        for name, by_channel in nested.items():
            for channel, counter in getattr(counts, name).items():
                by_channel.setdefault(channel, Counter()).update(counter)
    return Counts(seen=seen, ends=ends, last=last, **result, **nested)


def channel_order(channel_types: Iterable[str], message: Message) -> list[str]:
    """Sort channel types in the order of the strategy."""
    order = [channel_type.value for channel_type in message.strategy.channels]
    return sorted(
        channel_types, key=lambda name: order.index(name) if name in order else len(ChannelType)
    )
