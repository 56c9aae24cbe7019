"""The consumer of a delivery queue in a simulation: its batches, and what it hands back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chalicelib import config, wiring
from chalicelib.domain import envelopes
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.jobs import Envelope
from chalicelib.entrypoints.lambdas import queues, runtime
from chalicelib.entrypoints.lambdas.runtime import Consumer
from chalicelib.ports import Clock, World


class Invocation:
    """A batch of jobs, as Chalice hands it over. `ends`: when the function is ended (ms)."""

    def __init__(self, batch: Sequence[Envelope], clock: Clock, ends: int) -> None:
        self.batch, self.context = batch, self
        self._clock, self._ends = clock, ends

    def get_remaining_time_in_millis(self) -> int:
        return self._ends - self._clock.now()

    def to_dict(self) -> dict[str, Any]:
        return {"Records": [_record(str(n), envelope) for n, envelope in enumerate(self.batch)]}


def _record(id: str, envelope: Envelope) -> dict[str, Any]:
    kind = envelope.channel_type
    assert kind is not None
    queue = config.queue_name("prod", config.delivery_queue(kind, envelope.priority))
    return {
        "messageId": id,
        "body": envelopes.encode(envelope.job),
        "eventSourceARN": f"arn:aws:sqs:r:1:{queue}",
        "attributes": {"MessageGroupId": envelope.group},
    }


def consumer(clock: Callable[[], float]) -> Consumer:
    """Return the consumer of every delivery function, with a clock of its own (seconds)."""
    together = runtime.jobs_together(queues._batch, queues._unbegun, clock)
    return together(queues._deliver)


def consumed(
    world: World, consume: Consumer, batch: Sequence[Envelope], ends: int
) -> list[Envelope]:
    """Let a consumer work on a batch, and return the jobs that have failed."""
    wiring.use(world)
    try:
        answer = consume(Invocation(batch, world.clock, ends))
    finally:
        wiring.use(None)
    return [batch[int(failure["itemIdentifier"])] for failure in answer["batchItemFailures"]]


def envelope_of(queue: str, group: str, text: str) -> Envelope:
    """Return a job that was handed back, as its queue has it."""
    stem, _, priority = queue.rpartition("-")
    kind = ChannelType(stem.rpartition("-")[2])
    return Envelope(envelopes.decode_channel(text), Priority(int(priority)), kind, group)
