"""The consumer of the queue of callbacks. Only its function calls the servers of senders."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from chalice.app import Blueprint

from chalicelib import config
from chalicelib.domain import envelopes
from chalicelib.domain.jobs import CallbackJob, CallbackReplay, CallbackRetry
from chalicelib.entrypoints.lambdas.runtime import jobs_together, stage
from chalicelib.flow.callbacks import deliver, probe, replay
from chalicelib.ports import World

bp = Blueprint(__name__)

_QUEUE = config.queue_name(stage(), config.callbacks_queue())


def _round(world: World, texts: Sequence[str]) -> deliver.Round:
    jobs = list[CallbackJob]()
    for text in texts:
        with suppress(Exception):  # raised again where the job itself is read
            job = envelopes.decode_callback(text)
            if isinstance(job, CallbackJob):
                jobs.append(job)
    return deliver.Round(jobs)


def _is_worked_on(text: str, together: deliver.Round) -> bool:
    """Tell if another job has delivered the records of this one, or failed to."""
    with suppress(Exception):  # raised again where the job itself is read
        job = envelopes.decode_callback(text)
        return isinstance(job, CallbackJob) and together.has_begun(job.channel_key)
    return False


@bp.on_sqs_message(queue=_QUEUE)  # type: ignore[untyped-decorator]
@jobs_together(_round, is_worked_on=_is_worked_on)
def callbacks(world: World, text: str, together: deliver.Round) -> None:
    """Deliver callbacks, or deliver them again, or test an address."""
    job = envelopes.decode_callback(text)
    if isinstance(job, CallbackJob):
        together.report(world, job.channel_key)
    elif isinstance(job, CallbackRetry):
        deliver.retry(world, job)
    elif isinstance(job, CallbackReplay):
        replay.replay(world, job)
    else:
        probe.run(world, job)
