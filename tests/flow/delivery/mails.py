"""Mails whose delivery is limited: 25 recipients a call."""

from __future__ import annotations

from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.jobs import DeliverJob
from chalicelib.domain.messages import Message
from chalicelib.flow import deliver
from tests.builders import a_message, a_plan, at_once
from tests.fakes.world import FakeWorld


def planned(
    fake: FakeWorld, count: int = 100, *, number: int = 1, priority: Priority = Priority.MEDIUM
) -> tuple[Message, DeliverJob]:
    """Plan mails to so many people, 25 a call."""
    message = a_message(
        *(f"u{n:03d}" for n in range(count)),
        number=number,
        strategy=at_once("email"),
        priority=priority,
    )
    fake.messages.has(message)
    fake.ledger.put_plan(a_plan(message), message)
    return message, DeliverJob(message.msgid, 0, 0, 0, "mail", 0, count)


def run(fake: FakeWorld, job: DeliverJob) -> list[tuple[DeliverJob, int]]:
    """Deliver a job, and return the jobs that come back, with their delays in seconds."""
    before = len(fake.queues.sent)
    deliver.deliver(fake.ports, job)
    return [(e.job, e.delay) for e in fake.queues.sent[before:] if isinstance(e.job, DeliverJob)]
