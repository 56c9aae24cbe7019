"""The consumers of the queues: a function is a Lambda, and both have one name.

Chalice gives each function the queue of priority 1. The template adds those of priorities 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from chalice.app import Blueprint

from chalicelib import config
from chalicelib.domain import envelopes
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.jobs import (
    CoverageJob,
    DeliverJob,
    InteractionsJob,
    PlanJob,
    PollJob,
    QueryJob,
    RecallJob,
    ReceiptsJob,
    SegmentJob,
    Timer,
    TimerKind,
    TimersJob,
    WithdrawJob,
)
from chalicelib.entrypoints.lambdas.runtime import Consumer, jobs, jobs_together, stage
from chalicelib.flow import (
    audience,
    coverage,
    days,
    deliver,
    evaluate,
    figures,
    interactions,
    poll,
    provider_query,
    receipts,
    tally,
    timers,
    withdraw,
)
from chalicelib.ports import World

Register = Callable[[Consumer], Any]

CHUNKS = Blueprint(__name__)
DELIVERY = {channel_type: Blueprint(__name__) for channel_type in ChannelType}


def _consumes(blueprint: Blueprint, queue: str) -> Register:
    register: Register = blueprint.on_sqs_message(queue=config.queue_name(stage(), queue))
    return register


def _delivers(channel_type: ChannelType) -> Register:
    """Register the function of a channel type, with a blueprint of its own.

    A stage registers only the blueprints of its channel types.
    """
    queue = config.delivery_queue(channel_type, Priority.HIGH)
    return _consumes(DELIVERY[channel_type], queue)


@_consumes(CHUNKS, config.chunks_queue(Priority.HIGH))
@jobs
def chunks(world: World, text: str) -> None:
    """Plan, check, recount or withdraw chunks of messages, and fold figures."""
    job = envelopes.decode_chunk_job(text)
    if isinstance(job, PlanJob):
        audience.plan(world, job)
    elif isinstance(job, WithdrawJob):
        withdraw.withdraw_partition(world, job)
    elif isinstance(job, CoverageJob):
        coverage.count(world, job)
    elif isinstance(job, InteractionsJob):
        interactions.keep(world, job)
    elif isinstance(job, SegmentJob):
        from chalicelib.flow import segment_counts  # few deployments count segments

        segment_counts.count(world, job)
    else:
        _check(world, job)


def _check(world: World, job: TimersJob) -> None:
    def due(kind: TimerKind) -> list[Timer]:
        return [timer for timer in job.timers if timer.kind is kind]

    if checks := due(TimerKind.CHECK):
        evaluate.check_chunks(world, checks)
    if withdrawals := due(TimerKind.WITHDRAW):
        withdraw.start_again(world, withdrawals)
    if wakeups := due(TimerKind.WAKE):
        from chalicelib.flow import schedules  # where nobody schedules, nothing is imported

        schedules.wake_again(world, wakeups)
    if daily := due(TimerKind.SEGMENT):
        from chalicelib.flow import segment_counts

        segment_counts.count_daily(world, daily)
    if recounts := due(TimerKind.RECOUNT):
        tally.recount(world, recounts)
    if blocks := due(TimerKind.FIGURES):
        figures.count_blocks(world, blocks)
    if folds := due(TimerKind.DAY):
        days.fold(world, folds)


def _batch(world: World, texts: Sequence[str]) -> deliver.Batch:
    jobs = list[DeliverJob]()
    for text in texts:
        with suppress(Exception):  # raised again where the job itself is read
            job = envelopes.decode_channel(text)
            if isinstance(job, DeliverJob):
                jobs.append(job)
    return deliver.Batch(world, jobs)


def _unbegun(world: World, text: str, batch: deliver.Batch) -> str:
    """Return the text with which a job goes back unbegun: with its turn, if one was taken."""
    try:
        job = envelopes.decode_channel(text)
    except ValueError:  # the next worker reports it
        return text
    if not isinstance(job, DeliverJob):
        return text
    with_turn = batch.unbegun(world, job)
    return text if with_turn == job else envelopes.encode(with_turn)


_together = jobs_together(_batch, _unbegun)

# Chalice finds a handler by its name in this module, so that each function is written out.


@_delivers(ChannelType.APP)
@_together
def deliver_app(world: World, text: str, batch: deliver.Batch) -> None:
    """Deliver app pushes."""
    _deliver(world, text, batch)


@_delivers(ChannelType.WECHATOA)
@_together
def deliver_wechatoa(world: World, text: str, batch: deliver.Batch) -> None:
    """Deliver messages of WeChat official accounts."""
    _deliver(world, text, batch)


@_delivers(ChannelType.WECHATMP)
@_together
def deliver_wechatmp(world: World, text: str, batch: deliver.Batch) -> None:
    """Deliver messages of WeChat mini-programs."""
    _deliver(world, text, batch)


@_delivers(ChannelType.SMS)
@_together
def deliver_sms(world: World, text: str, batch: deliver.Batch) -> None:
    """Deliver SMS, except those of platforms that have a worker."""
    _deliver(world, text, batch)


@_delivers(ChannelType.EMAIL)
@_together
def deliver_email(world: World, text: str, batch: deliver.Batch) -> None:
    """Deliver e-mails."""
    _deliver(world, text, batch)


@_delivers(ChannelType.ALIPAY_LIFE)
@_together
def deliver_alipay_life(world: World, text: str, batch: deliver.Batch) -> None:
    """Deliver messages of Alipay life accounts."""
    _deliver(world, text, batch)


@_delivers(ChannelType.DINGTALK_CC)
@_together
def deliver_dingtalk_cc(world: World, text: str, batch: deliver.Batch) -> None:
    """Deliver DingTalk work notifications."""
    _deliver(world, text, batch)


@_delivers(ChannelType.WECHATWK)
@_together
def deliver_wechatwk(world: World, text: str, batch: deliver.Batch) -> None:
    """Deliver messages of WeCom."""
    _deliver(world, text, batch)


@_delivers(ChannelType.WECHATWK_LINKEDCORP)
@_together
def deliver_wechatwk_linkedcorp(world: World, text: str, batch: deliver.Batch) -> None:
    """Deliver messages of WeCom to linked corporations."""
    _deliver(world, text, batch)


def _deliver(world: World, text: str, batch: deliver.Batch) -> None:
    job = envelopes.decode_channel(text)
    if isinstance(job, DeliverJob):
        batch.deliver(world, job, text)
    elif isinstance(job, RecallJob):
        withdraw.recall(world, job)
    elif isinstance(job, PollJob):
        poll.poll_channel(world, job)
    elif isinstance(job, ReceiptsJob):
        receipts.look_again(world, job)
    elif isinstance(job, QueryJob):
        provider_query.answer(world, job)
    else:
        polls = [timer for timer in job.timers if timer.kind is TimerKind.POLL]
        timers.do_in_time(world, lambda timer: poll.poll_chunk(world, timer), polls)
