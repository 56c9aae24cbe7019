"""Counting a chunk: funnels by people and by channel, losses by reason, and what is still open. A message is the sum of its chunks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryState, FactKind
from chalicelib.domain.messages import Message
from chalicelib.domain.strategies import Verdict

STAGES = ("planned", "valid", "submitted", "delivered", "clicked")

EXTRAS = (
    "opened",
    "scanned",
)  # counted beside the stages, per channel: mails that were opened, links that a program looked at

_LOST_BEFORE_SUBMISSION = (
    FactKind.INVALID_TARGET,
    FactKind.SUBMIT_FAILED,
    FactKind.UNKNOWN,
    FactKind.SKIPPED,
    FactKind.EXPIRED,
    FactKind.WITHDRAWN,
)


@dataclass(frozen=True)
class Counts:
    """`users` and `channels` count stages; losses count (stage, reason). `seen` orders two counts of the same chunk."""

    seen: int = 0
    users: Mapping[str, int] = field(default_factory=Counter)
    channels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    user_losses: Mapping[str, int] = field(default_factory=Counter)
    channel_losses: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    steps: Mapping[str, int] = field(
        default_factory=Counter
    )  # how many targets each step was decided for
    open: Mapping[str, int] = field(
        default_factory=Counter
    )  # unsubmitted deliveries, undecided targets, awaited receipts
    ends: int = 0  # chunks with which a walker's part of the audience ends

    def plain(self) -> dict[str, Any]:
        """As dicts and numbers, to be stored; `Counts(**plain)` gives it back."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}


def _plain(value: Any) -> Any:
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def count(message: Message, chunk: Chunk) -> Counts:
    best: dict[int, set[str]] = {}
    channels: dict[str, Counter[str]] = {}
    losses: dict[str, Counter[str]] = {}
    waiting: Counter[str] = Counter()
    for _, _, ref in chunk.refs(message):
        kind, known = message.channels[ref.channel].value, chunk.of(ref)
        stages = _stages(known)
        channels.setdefault(kind, Counter()).update(stages)
        losses.setdefault(kind, Counter()).update(_losses(known))
        best.setdefault(ref.target, set()).update(
            s for s in stages if s not in ("planned", "valid")
        )
        waiting["unsubmitted"] += not known.ended
        waiting["awaiting_receipt"] += (
            known.submitted
            and not known.delivered
            and not known.has(FactKind.DELIVERY_FAILED, FactKind.WITHDRAWN)
        )
    for kind, reason in _refused(message, chunk):
        channels.setdefault(kind, Counter())["planned"] += 1
        losses.setdefault(kind, Counter())[reason] += 1
    waiting["undecided"] = sum(_is_undecided(message, chunk, t) for t in chunk.plan.valid)
    return Counts(
        seen=chunk.seen,
        users=_users(chunk, best),
        channels=channels,
        user_losses=Counter(t.loss.value for t in chunk.plan.targets if t.loss),
        channel_losses=losses,
        steps=Counter(
            {str(n + 1): len(chunk.members(n)) for n in range(len(message.strategy.steps))}
        ),
        open=waiting,
        ends=int(chunk.plan.next is None),
    )


def _refused(message: Message, chunk: Chunk) -> Iterator[tuple[str, str]]:
    """The channel type and the reason of who came to a step where their contact is dead or has opted out."""
    for step in range(len(message.strategy.steps)):
        for target in chunk.members(step):
            contacts, refused = (
                chunk.plan.targets[target].contacts,
                chunk.plan.targets[target].refused,
            )
            yield from (
                (message.channels[code].value, refused[code])
                for code in message.codes_of(step)
                if code in refused.keys() - contacts
            )


def _stages(known: DeliveryState) -> list[str]:
    """The stages of the funnel that a delivery has reached."""
    reached = ["planned"]
    if known.submitted or not known.has(FactKind.INVALID_TARGET):
        reached.append("valid")
    reached += [name for name in EXTRAS if known.has(FactKind(name))]
    reached += (
        ["submitted"] * known.submitted
        + ["delivered"] * known.delivered
        + ["clicked"] * known.clicked
    )
    return reached


def _losses(known: DeliveryState) -> list[str]:
    if known.delivered:
        return []
    if known.has(FactKind.DELIVERY_FAILED):
        return [_reason(known, FactKind.DELIVERY_FAILED)]
    if known.submitted:
        return []
    return [_reason(known, kind) for kind in _LOST_BEFORE_SUBMISSION if known.has(kind)][:1]


def _reason(known: DeliveryState, kind: FactKind) -> str:
    code = known.facts[kind].code
    return f"{kind.value}:{code}" if code else kind.value


def _users(chunk: Chunk, best: Mapping[int, set[str]]) -> Counter[str]:
    users = Counter(planned=len(chunk.plan.targets), valid=len(chunk.plan.valid))
    users.update(stage for stages in best.values() for stage in stages)
    return users


def _is_undecided(message: Message, chunk: Chunk, target: int) -> bool:
    """Whether a target may still go on to a further step."""
    last = len(message.strategy.steps) - 1
    if chunk.withdrawn is not None:
        return False
    step = max((n for n in range(last + 1) if target in chunk.members(n)), default=0)
    if step == last:
        return False
    return chunk.verdict(message, target, step + 1, message.accepted)[0] is not Verdict.STAY


def total(chunks: Iterable[Counts]) -> Counts:
    """The sum of chunks."""
    result: dict[str, Any] = {name: Counter() for name in ("users", "user_losses", "steps", "open")}
    nested: dict[str, Any] = {"channels": {}, "channel_losses": {}}
    seen = ends = 0
    for counts in chunks:
        seen, ends = seen + counts.seen, ends + counts.ends
        for name, counter in result.items():
            counter.update(getattr(counts, name))
        for name, by_channel in nested.items():
            for channel, counter in getattr(counts, name).items():
                by_channel.setdefault(channel, Counter()).update(counter)
    return Counts(seen=seen, ends=ends, **result, **nested)


def channel_order(kinds: Iterable[str], message: Message) -> list[str]:
    """Channel types in the order of the strategy."""
    order = [kind.value for kind in message.strategy.channels]
    return sorted(kinds, key=lambda kind: order.index(kind) if kind in order else len(ChannelType))
