"""Consumers of the queues: one function, one Lambda, one name for each. The template adds the queues of priorities 2 and 3."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib import config
from chalicelib.domain import envelopes
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.jobs import (
    DeliverJob,
    PlanJob,
    PollJob,
    QueryJob,
    RecallJob,
    TimerKind,
    WithdrawJob,
)
from chalicelib.entrypoints.lambdas.runtime import jobs, stage
from chalicelib.flow import audience as audience_step
from chalicelib.flow import deliver, evaluate, poll, provider_query, tally, timers, withdraw
from chalicelib.ports import World

audience_jobs = Blueprint(__name__)


def _queue(name: str) -> str:
    return config.queue_name(stage(), name)


@audience_jobs.on_sqs_message(queue=_queue(config.audience_queue(Priority.HIGH)))  # type: ignore[untyped-decorator]
@jobs
def audience(world: World, text: str) -> None:
    """Plans, evaluates, recounts."""
    job = envelopes.decode_chunk_job(text)
    if isinstance(job, PlanJob):
        return audience_step.plan(world, job)
    if isinstance(job, WithdrawJob):
        return withdraw.withdraw_partition(world, job)
    looks = [timer for timer in job.timers if timer.kind is TimerKind.CHECK]
    recounts = [timer for timer in job.timers if timer.kind is TimerKind.RECOUNT]
    if looks:
        evaluate.check_chunks(world, looks)
    if withdrawals := [timer for timer in job.timers if timer.kind is TimerKind.WITHDRAW]:
        withdraw.start_again(world, withdrawals)
    if recounts:
        tally.recount(world, recounts)
    return None


def _consumer(channel_type: ChannelType) -> Blueprint:
    """The function that delivers on a channel type. Lambda finds it by its name in this module."""

    def work(world: World, text: str) -> None:
        _deliver(world, text)

    name = work.__name__ = config.deliver_function(channel_type)
    blueprint = Blueprint(__name__)
    globals()[name] = blueprint.on_sqs_message(
        queue=_queue(config.delivery_queue(channel_type, Priority.HIGH))
    )(jobs(work))
    return blueprint


def _deliver(world: World, text: str) -> None:
    job = envelopes.decode_channel(text)
    if isinstance(job, DeliverJob):
        deliver.deliver(world, job)
    elif isinstance(job, RecallJob):
        withdraw.recall(world, job)
    elif isinstance(job, PollJob):
        poll.poll_channel(world, job)
    elif isinstance(job, QueryJob):
        provider_query.answer(world, job)
    else:
        timers.do_all(
            lambda timer: poll.poll_chunk(world, timer),
            [timer for timer in job.timers if timer.kind is TimerKind.POLL],
        )


# A stage registers those of its channel types.
DELIVERY = {channel_type: _consumer(channel_type) for channel_type in ChannelType}
