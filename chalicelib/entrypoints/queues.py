"""Consumers of the queues, each written out: one function, one Lambda, one name. The template adds the queues of priorities 2 and 3."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib import config
from chalicelib.domain.channels import ChannelType, Priority
from chalicelib.domain.jobs import CheckJob, DeliverJob, PlanJob, PollJob, RecallJob, TimerKind, TokenJob, WithdrawJob
from chalicelib.entrypoints.runtime import jobs, stage
from chalicelib.flow import access_tokens, check, deliver, due, envelopes, fallback, poll, tally, withdraw
from chalicelib.flow import audience as audience_step
from chalicelib.flow.ports import World

audience_jobs = Blueprint(__name__)
app_jobs = Blueprint(__name__)
wechatoa_jobs = Blueprint(__name__)
wechatmp_jobs = Blueprint(__name__)
sms_jobs = Blueprint(__name__)
email_jobs = Blueprint(__name__)
alipay_life_jobs = Blueprint(__name__)
dingtalk_cc_jobs = Blueprint(__name__)
wechatwk_jobs = Blueprint(__name__)
wechatwk_linkedcorp_jobs = Blueprint(__name__)

# A stage registers those of its channel types.
DELIVERY = {
    ChannelType.APP: app_jobs,
    ChannelType.WECHATOA: wechatoa_jobs,
    ChannelType.WECHATMP: wechatmp_jobs,
    ChannelType.SMS: sms_jobs,
    ChannelType.EMAIL: email_jobs,
    ChannelType.ALIPAY_LIFE: alipay_life_jobs,
    ChannelType.DINGTALK_CC: dingtalk_cc_jobs,
    ChannelType.WECHATWK: wechatwk_jobs,
    ChannelType.WECHATWK_LINKEDCORP: wechatwk_linkedcorp_jobs,
}


def _queue(name: str) -> str:
    return config.queue_name(stage(), name)


@audience_jobs.on_sqs_message(queue=_queue(config.audience_queue(Priority.HIGH)))  # type: ignore[untyped-decorator]
@jobs
def audience(world: World, text: str) -> None:
    """Plans, evaluates, recounts."""
    job = envelopes.decode_audience(text)
    if isinstance(job, PlanJob):
        return audience_step.plan(world, job)
    if isinstance(job, WithdrawJob):
        return withdraw.walk(world, job)
    looks = [timer for timer in job.timers if timer.kind is TimerKind.LOOK]
    recounts = [timer for timer in job.timers if timer.kind is TimerKind.RECOUNT]
    if looks:
        fallback.look(world, looks)
    if withdrawals := [timer for timer in job.timers if timer.kind is TimerKind.WITHDRAW]:
        withdraw.start_again(world, withdrawals)
    if recounts:
        tally.recount(world, recounts)
    return None


@app_jobs.on_sqs_message(queue=_queue(config.delivery_queue(ChannelType.APP, Priority.HIGH)))  # type: ignore[untyped-decorator]
@jobs
def deliver_app(world: World, text: str) -> None:
    _deliver(world, text)


@wechatoa_jobs.on_sqs_message(queue=_queue(config.delivery_queue(ChannelType.WECHATOA, Priority.HIGH)))  # type: ignore[untyped-decorator]
@jobs
def deliver_wechatoa(world: World, text: str) -> None:
    _deliver(world, text)


@wechatmp_jobs.on_sqs_message(queue=_queue(config.delivery_queue(ChannelType.WECHATMP, Priority.HIGH)))  # type: ignore[untyped-decorator]
@jobs
def deliver_wechatmp(world: World, text: str) -> None:
    _deliver(world, text)


@sms_jobs.on_sqs_message(queue=_queue(config.delivery_queue(ChannelType.SMS, Priority.HIGH)))  # type: ignore[untyped-decorator]
@jobs
def deliver_sms(world: World, text: str) -> None:
    _deliver(world, text)


@email_jobs.on_sqs_message(queue=_queue(config.delivery_queue(ChannelType.EMAIL, Priority.HIGH)))  # type: ignore[untyped-decorator]
@jobs
def deliver_email(world: World, text: str) -> None:
    _deliver(world, text)


@alipay_life_jobs.on_sqs_message(queue=_queue(config.delivery_queue(ChannelType.ALIPAY_LIFE, Priority.HIGH)))  # type: ignore[untyped-decorator]
@jobs
def deliver_alipay_life(world: World, text: str) -> None:
    _deliver(world, text)


@dingtalk_cc_jobs.on_sqs_message(queue=_queue(config.delivery_queue(ChannelType.DINGTALK_CC, Priority.HIGH)))  # type: ignore[untyped-decorator]
@jobs
def deliver_dingtalk_cc(world: World, text: str) -> None:
    _deliver(world, text)


@wechatwk_jobs.on_sqs_message(queue=_queue(config.delivery_queue(ChannelType.WECHATWK, Priority.HIGH)))  # type: ignore[untyped-decorator]
@jobs
def deliver_wechatwk(world: World, text: str) -> None:
    _deliver(world, text)


@wechatwk_linkedcorp_jobs.on_sqs_message(queue=_queue(config.delivery_queue(ChannelType.WECHATWK_LINKEDCORP, Priority.HIGH)))  # type: ignore[untyped-decorator]
@jobs
def deliver_wechatwk_linkedcorp(world: World, text: str) -> None:
    _deliver(world, text)


def _deliver(world: World, text: str) -> None:
    job = envelopes.decode_channel(text)
    if isinstance(job, DeliverJob):
        deliver.deliver(world, job)
    elif isinstance(job, RecallJob):
        withdraw.recall(world, job)
    elif isinstance(job, PollJob):
        poll.poll_channel(world, job)
    elif isinstance(job, TokenJob):
        access_tokens.fetch(world, job)
    elif isinstance(job, CheckJob):
        check.answer(world, job)
    else:
        due.each(lambda timer: poll.poll_page(world, timer), [timer for timer in job.timers if timer.kind is TimerKind.POLL])
