"""Jobs on SQS: batches of ten per queue, fair between tenants."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from chalicelib.aws import retries
from chalicelib.aws.clients import Busy, client
from chalicelib.config import (
    callbacks_queue,
    chunks_queue,
    delivery_queue,
    facts_queue,
    imports_queue,
    queue_name,
    settings,
    worker_queue,
)
from chalicelib.domain.envelopes import encode
from chalicelib.domain.jobs import AnyCallbackJob, Envelope, FactsJob, FileJob

log = logging.getLogger("openums")

BATCH, ROUNDS = 10, 4


class NotSent(Busy):
    """SQS refused a part of a batch in every round."""


class Queues:
    def send(self, envelopes: Sequence[Envelope]) -> None:
        by_queue: dict[str, list[Envelope]] = {}
        for envelope in envelopes:
            if _is_served(envelope):
                by_queue.setdefault(_queue(envelope), []).append(envelope)
            else:
                log.error("job_without_queue", extra={"queue": _queue(envelope)})
        for queue, queued in by_queue.items():
            url = settings().queue_url_prefix + queue_name(settings().stage, queue)
            for start in range(0, len(queued), BATCH):
                batch = queued[start : start + BATCH]
                _send(url, [_entry(n, envelope) for n, envelope in enumerate(batch)])

    def hand_back(self, queue: str, jobs: Sequence[tuple[str, str]]) -> None:
        url = settings().queue_url_prefix + queue
        for start in range(0, len(jobs), BATCH):
            _send(url, [_text(n, *job) for n, job in enumerate(jobs[start : start + BATCH])])


def _is_served(envelope: Envelope) -> bool:
    """Tell whether the stage has a queue for this envelope."""
    if isinstance(envelope.job, FactsJob):
        return bool(settings().facts_bucket)
    if envelope.worker:
        return envelope.worker in settings().workers
    return envelope.channel_type is None or envelope.channel_type in settings().channel_types


def _queue(envelope: Envelope) -> str:
    if isinstance(envelope.job, FileJob):
        return imports_queue()
    if isinstance(envelope.job, FactsJob):
        return facts_queue()
    if isinstance(envelope.job, AnyCallbackJob):
        return callbacks_queue()
    kind = envelope.channel_type
    if envelope.worker:
        return worker_queue(envelope.worker, envelope.priority)
    return delivery_queue(kind, envelope.priority) if kind else chunks_queue(envelope.priority)


def _send(url: str, batch: Sequence[dict[str, Any]]) -> None:
    entries, failures = batch, 0
    while entries:
        answer = client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
        failed = {failure["Id"] for failure in answer.get("Failed", [])}
        left = [entry for entry in entries if entry["Id"] in failed]
        failures = failures + 1 if len(left) == len(entries) else 1
        if left and (failures == ROUNDS or not retries.wait(failures, 0.05 * 2**failures)):
            raise NotSent(f"{len(left)} of {len(batch)}")
        entries = left


def _entry(number: int, envelope: Envelope) -> dict[str, Any]:
    entry = _text(number, envelope.group, encode(envelope.job))
    return {**entry, "DelaySeconds": envelope.delay} if envelope.delay else entry


def _text(number: int, group: str, text: str) -> dict[str, Any]:
    # A message group on a standard queue does not order messages.
    # It makes SQS serve the groups in turn ("fair queues").
    of_group = {"MessageGroupId": group} if group else {}
    return {"Id": str(number), "MessageBody": text, **of_group}
