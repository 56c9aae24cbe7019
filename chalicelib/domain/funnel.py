"""Counting a page: funnels by people and by channel, losses by reason, and what is still open. A message is the sum of its pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from chalicelib.domain.chunks import Page
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import FactKind, Known
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
    """`users` and `channels` count stages; losses count (stage, reason). `seen` orders two counts of the same page."""

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
    ends: int = 0  # pages with which a walker's part of the audience ends

    def plain(self) -> dict[str, Any]:
        """As dicts and numbers, to be stored; `Counts(**plain)` gives it back."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}


def _plain(value: Any) -> Any:
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def count(message: Message, page: Page) -> Counts:
    best: dict[int, set[str]] = {}
    channels: dict[str, Counter[str]] = {}
    losses: dict[str, Counter[str]] = {}
    waiting: Counter[str] = Counter()
    for _, _, place in page.places(message):
        kind, known = message.channels[place.channel].value, page.of(place)
        stages = _stages(known)
        channels.setdefault(kind, Counter()).update(stages)
        losses.setdefault(kind, Counter()).update(_losses(known))
        best.setdefault(place.target, set()).update(
            s for s in stages if s not in ("planned", "valid")
        )
        waiting["unsubmitted"] += not known.ended
        waiting["awaiting_receipt"] += (
            known.submitted
            and not known.delivered
            and not known.has(FactKind.DELIVERY_FAILED, FactKind.WITHDRAWN)
        )
    for kind, reason in _refused(message, page):
        channels.setdefault(kind, Counter())["planned"] += 1
        losses.setdefault(kind, Counter())[reason] += 1
    waiting["undecided"] = sum(_is_undecided(message, page, t) for t in page.plan.valid)
    return Counts(
        seen=page.seen,
        users=_users(page, best),
        channels=channels,
        user_losses=Counter(t.loss.value for t in page.plan.targets if t.loss),
        channel_losses=losses,
        steps=Counter(
            {str(n + 1): len(page.members(n)) for n in range(len(message.strategy.steps))}
        ),
        open=waiting,
        ends=int(page.plan.next is None),
    )


def _refused(message: Message, page: Page) -> Iterator[tuple[str, str]]:
    """The channel type and the reason of who came to a step where their contact is dead or has opted out."""
    for step in range(len(message.strategy.steps)):
        for target in page.members(step):
            contacts, refused = (
                page.plan.targets[target].contacts,
                page.plan.targets[target].refused,
            )
            yield from (
                (message.channels[code].value, refused[code])
                for code in message.codes_of(step)
                if code in refused.keys() - contacts
            )


def _stages(known: Known) -> list[str]:
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


def _losses(known: Known) -> list[str]:
    if known.delivered:
        return []
    if known.has(FactKind.DELIVERY_FAILED):
        return [_reason(known, FactKind.DELIVERY_FAILED)]
    if known.submitted:
        return []
    return [_reason(known, kind) for kind in _LOST_BEFORE_SUBMISSION if known.has(kind)][:1]


def _reason(known: Known, kind: FactKind) -> str:
    code = known.facts[kind].code
    return f"{kind.value}:{code}" if code else kind.value


def _users(page: Page, best: Mapping[int, set[str]]) -> Counter[str]:
    users = Counter(planned=len(page.plan.targets), valid=len(page.plan.valid))
    users.update(stage for stages in best.values() for stage in stages)
    return users


def _is_undecided(message: Message, page: Page, target: int) -> bool:
    """Whether a target may still go on to a further step."""
    last = len(message.strategy.steps) - 1
    if page.withdrawn is not None:
        return False
    step = max((n for n in range(last + 1) if target in page.members(n)), default=0)
    if step == last:
        return False
    return page.verdict(message, target, step + 1, message.accepted)[0] is not Verdict.STAY


def total(pages: Iterable[Counts]) -> Counts:
    """The sum of pages."""
    result: dict[str, Any] = {name: Counter() for name in ("users", "user_losses", "steps", "open")}
    nested: dict[str, Any] = {"channels": {}, "channel_losses": {}}
    seen = ends = 0
    for counts in pages:
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
