"""Simulate a message: the checks and the selection of a send, without sending or storing anything.

A simulation calls what a send calls (`drafts.draft`, `audience.make_plan`) in a dry world. So it
cannot differ from a send. Of a large audience it plans a sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain import elements, keys, prices, simulation, strategy_advice
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import Channel, ReceiptMode
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.funnel import channel_order
from chalicelib.domain.masks import masked
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Plan
from chalicelib.domain.provider_io import Capabilities, ClickReport, DeliveryReport, ProviderIds
from chalicelib.domain.rules import schedules
from chalicelib.domain.simulation import Sample, Volume
from chalicelib.domain.warnings import Code, Warning
from chalicelib.flow import audience, validity
from chalicelib.flow import draft as drafts
from chalicelib.flow.candidates import Known
from chalicelib.flow.content import render
from chalicelib.flow.draft import Draft
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.rules import gate, reviews
from chalicelib.flow.rules.broadcast_quota import CountedBroadcast
from chalicelib.flow.rules.dry import at, dry
from chalicelib.ports import World

SAMPLE = 4  # chunks that are planned of a large audience


def simulate(world: World, request: SendRequest) -> dict[str, Any]:
    """Return what a send would do, with its warnings as codes.

    Raises the Refusal or Invalid that the send would raise.
    """
    world, request = _when_due(dry(world), request)
    review = reviews.needed(world, request)
    draft = drafts.draft(world, request)
    message, hold = draft.message, draft.message.hold
    CountedBroadcast(world, request, message.msgid)
    sample = _sample(at(world, max(world.clock.now(), message.starts)), draft)
    channels = {
        code: world.settings.channel(elements.channel_of(code)) for code in message.channels
    }
    rows = [
        _deliveries(world, message, code, channel, sample)
        for code, channel in sorted(channels.items())
        if channel is not None
    ]
    return {
        "targets": sample.targets,
        "sampled": sample.planned,
        "error": sample.error,
        "hold": {"until": hold.until, "reason": hold.reason} if hold else None,
        "reviews": len(review.levels) if review else 0,
        **_figures(message, sample),
        "steps": _steps(world, message, sample),
        "deliveries": sorted(rows, key=lambda row: (row["step"], row["code"], row["element"])),
        "cost": round(sum(row["cost"] for row in rows), 6),
        "currency": world.limits.currency,
        "aws_usd": _aws_usd(world, channels, rows),
        "warnings": _warnings(world, request, message),
    }


def _when_due(world: World, request: SendRequest) -> tuple[World, SendRequest]:
    """Return the request as its schedule first sends it, in the world of that time."""
    now = world.clock.now()
    if request.timing is None:
        return world, request
    first = schedules.check(request.timing, now)
    occasion = schedules.occasion(request.timing, first.local)
    return at(world, max(now, first.at)), replace(request, timing=None, occasion=occasion)


# -- sample


def _sample(world: World, draft: Draft) -> Sample:
    """Plan the whole audience, or chunks that stand far apart in it.

    Users stand in the order of a hash, so a stretch of them is a sample.
    """
    message, plans, is_whole = draft.message, list[Plan](), True
    starts = _starts(message, world.limits.sizes.chunk_targets)
    for number, position in starts:
        rounds = SAMPLE // len(starts)
        for _ in range(rounds):
            plan = audience.make_plan(world, message, number, position, Known(draft.contacts))
            plans.append(plan)
            if plan.next is None:
                break
            number, position = message.chunk_after(number), plan.next
        is_whole = is_whole and plans[-1].next is None
    is_whole = is_whole and len(starts) in (1, message.audience.partitions)
    targets = sum(len(plan.targets) for plan in plans)
    return Sample(plans, targets if is_whole else _targets(world, message, plans), is_whole)


def _starts(message: Message, width: int) -> Sequence[tuple[int, str]]:
    """Return the chunks to begin at, with their positions. One start covers a small audience."""
    partitions = message.audience.partitions
    if message.audience.is_scanned:
        number = min(SAMPLE, partitions)
        return [(n * partitions // number, "") for n in range(number)]
    if len(message.userids) <= SAMPLE * width:
        return [(0, "")]
    gap = (len(message.userids) - width) // (SAMPLE - 1)
    return [(n, str(n * gap)) for n in range(SAMPLE)]


def _targets(world: World, message: Message, plans: Sequence[Plan]) -> int:
    """Estimate the targets of an audience that was planned in part.

    Of a full chunk, the members that are missing in its plan do not belong to the audience.
    """
    if not message.audience.is_scanned:
        return len(message.userids)
    if message.audience.rule:
        return max(sum(len(plan.targets) for plan in plans), _members(world, message))
    width = world.limits.sizes.chunk_targets
    scanned = sum(width if plan.next is not None else len(plan.targets) for plan in plans)
    planned = sum(len(plan.targets) for plan in plans)
    size = audience.estimate(world, message.audience, message.userids)
    if message.split is not None:  # others are passed over, so that its chunks are full
        return max(planned, round(size * message.split.share))
    return max(planned, round(size * planned / scanned) if scanned else 0)


def _members(world: World, message: Message) -> int:
    """Estimate how many users an audience has that names a segment by rules.

    Tags of the audience are estimated with the segment. Its user ids are added to the estimate.
    """
    from chalicelib.flow import segment_samples

    tags = [
        {"tag": keys.split(name)[2], "scope": keys.split(name)[1]} for name in message.audience.tags
    ]
    rule = {"any": [message.audience.rule, *tags]}
    estimate = segment_samples.estimate(world, message.channel_key, rule)
    return estimate.members + len(message.userids)


# -- figures


def _figures(message: Message, sample: Sample) -> dict[str, Any]:
    """Return funnel and losses, named as in the report of a message."""
    counts = simulation.counts(message, sample.plans)
    kinds = channel_order(counts.channels, message)
    return {
        "funnel": {
            "users": {
                stage: sample.scaled(counts.users.get(stage, 0)) for stage in ("planned", "valid")
            },
            "channels": {
                kind: sample.scaled(counts.channels[kind].get("planned", 0)) for kind in kinds
            },
        },
        "losses": {
            "users": {reason: sample.scaled(n) for reason, n in sorted(counts.user_losses.items())},
            "channels": {
                kind: {
                    reason: sample.scaled(n)
                    for reason, n in sorted(counts.channel_losses.get(kind, {}).items())
                }
                for kind in kinds
            },
        },
    }


def _steps(world: World, message: Message, sample: Sample) -> list[dict[str, Any]]:
    def held(step: int, due: int) -> int:
        hold = gate.for_step(at(world, due), message, step)
        return max(due, hold.until) if hold else due

    times = message.strategy.timetable(message.starts, held)
    return [
        {
            "step": number + 1,
            "channels": [kind.value for kind in step.channels],
            "begins": begins,
            "targets": sample.scaled(simulation.reached(message, number, sample.plans)),
        }
        for number, (step, begins) in enumerate(zip(message.strategy.steps, times, strict=True))
    ]


def _deliveries(
    world: World, message: Message, code: str, channel: Channel, sample: Sample
) -> dict[str, Any]:
    """Return the deliveries of an element: how many at most, their price, and an example."""
    volume = simulation.volume(message, code, sample.plans)
    deliveries = sample.scaled(volume.deliveries)
    example = next(_examples(world, message, code, sample.plans), None)
    content = (
        example["content"]
        if example
        else render.filled(world, message.contents[code], message.links)
    )
    tariff = prices.tariff(channel, content)
    cost = tariff.cost(_contacts(code, sample.plans)) if tariff else 0
    usual = tariff.cost([""]) if tariff else 0
    kinds = [channel.type in step.channels for step in message.strategy.steps]
    return {
        "step": kinds.index(True) + 1,
        "channel": channel.type.value,
        "code": channel.code,
        "element": elements.number_of(code),
        "deliveries": deliveries,
        "calls": sample.scaled(volume.calls),
        "parts": prices.parts(channel, content),
        "price": prices.shown(cost / volume.deliveries if volume.deliveries else usual),
        "cost": prices.shown(sample.scaled(cost)),
        "example": example,
    }


def _contacts(code: str, plans: Sequence[Plan]) -> Iterator[str]:
    return (
        contact for plan in plans for t in plan.valid for contact in plan.contacts[t].get(code, ())
    )


def _examples(
    world: World, message: Message, code: str, plans: Sequence[Plan]
) -> Iterator[dict[str, Any]]:
    """Yield what people would get, with their contacts masked."""
    for plan in plans:
        for target in plan.valid:
            if code in plan.targets[target].contacts:
                ref = DeliveryRef(target, code, 0)
                values = plan.values_of(target)
                content = render.personal(world, message, plan.id, ref, values)
                yield {"contact": masked(plan.contact(ref)), "content": dict(content)}


def _aws_usd(
    world: World, channels: dict[str, Channel | None], rows: Sequence[dict[str, Any]]
) -> float:
    by_code = {channel.code: channel for channel in channels.values() if channel is not None}
    volumes: list[tuple[Volume, bool, bool]] = []
    for row in rows:
        channel = by_code[row["code"]]
        capabilities = world.providers.of(channel.platform).capabilities
        has_lookups = capabilities.provider_ids is ProviderIds.PER_RECIPIENT
        is_posted = _is_posted_alone(channel, capabilities)
        volumes.append((Volume(row["deliveries"], row["calls"]), has_lookups, is_posted))
    return simulation.aws_usd(volumes)


def _is_posted_alone(channel: Channel, capabilities: Capabilities) -> bool:
    """Tell if each receipt is a post. Platforms that are polled call by call post many at once."""
    webhook, modes = ReceiptMode.WEBHOOK, capabilities.receipt_modes
    is_posted = channel.receipts is webhook and webhook in modes
    is_real = capabilities.delivery_report is DeliveryReport.REAL
    return is_posted and is_real and not capabilities.polled_by_call


# -- warnings


def _warnings(world: World, request: SendRequest, message: Message) -> list[Warning]:
    has_terms = any(step.terms for step in message.strategy.steps)
    reports = (validity.measured if has_terms else validity.reports)(world, request.channel)
    found = strategy_advice.warnings(message.strategy, reports)
    found += [Warning(code, Code.PAUSED) for code in _paused(world, message)]
    counted = {
        message.channels[code]
        for code, content in message.contents.items()
        if render.is_personal(content, message.links) or not _by_link(world, code)
    }
    found += [Warning(kind, Code.NO_LINK) for kind in sorted(message.strategy.clicks - counted)]
    if message.audience.kind is AudienceKind.CONTACTS and request.rule_id:
        found.append(Warning("rule_id", Code.NO_EFFECT))
    return found


def _paused(world: World, message: Message) -> list[str]:
    codes = {elements.channel_of(code) for code in message.channels}
    channels = [world.settings.channel(code) for code in sorted(codes)]
    return [channel.code for channel in channels if channel is not None and channel.paused]


def _by_link(world: World, code: str) -> bool:
    """Tell if a delivery channel counts clicks by short links."""
    channel = world.settings.channel(elements.channel_of(code))
    if channel is None:
        return False
    report = world.providers.of(channel.platform).capabilities.click_report
    return report is ClickReport.LINK
