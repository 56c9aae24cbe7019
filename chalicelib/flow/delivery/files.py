"""Fetch the files of a job before any of its calls is claimed.

A server that is slow or down costs the job a try. It never leaves a call of unknown outcome.
"""

from __future__ import annotations

from chalicelib import observability
from chalicelib.domain.errors import Rejected, Unavailable
from chalicelib.domain.jobs import DeliverJob
from chalicelib.domain.messages import Message
from chalicelib.domain.provider_io import Attachment
from chalicelib.flow.content import attachments, render
from chalicelib.flow.delivery import permits
from chalicelib.flow.delivery.budget import Budget
from chalicelib.flow.delivery.postponed import Postponed
from chalicelib.observability import log
from chalicelib.ports import World

SHORTEST = 16  # files are fetched in at least this part of a lease
MAX_FETCHES = 6  # then what kept the files away is the reason why the mails failed

Files = tuple[Attachment, ...] | Rejected


def fetch(world: World, job: DeliverJob, message: Message, budget: Budget) -> Files:
    """Return the files, or why they can never be had. Raise Postponed if they may be had later."""
    urls = render.files(message, job.channel)
    if not urls:
        return ()
    # Little time is not the fault of any server.
    if budget.for_files < world.limits.lease / SHORTEST:
        observability.metric("jobs_out_of_time")
        raise Postponed(1, of_job=True, fetches=job.fetches)
    if not attachments.are_elsewhere(world, urls):
        return _fetch(world, job, message, budget)
    with permits.of_files(world, message) as is_free:
        if not is_free:
            raise Postponed(permits.delay(world), of_job=True, fetches=job.fetches)
        return _fetch(world, job, message, budget)


def _fetch(world: World, job: DeliverJob, message: Message, budget: Budget) -> Files:
    urls = render.files(message, job.channel)
    try:
        return attachments.fetch(world, message.channel_key, urls, budget.for_files)
    except Rejected as error:
        return error
    except Unavailable as error:
        fetches = job.fetches + 1
        fields = {"msgid": job.msgid, "chunk": job.chunk, "code": error.code, "fetches": fetches}
        log.warning("file_unavailable", extra=fields)
        if fetches >= MAX_FETCHES:
            return Rejected(error.code)
        raise Postponed(2.0**fetches, of_job=True, fetches=fetches) from error
