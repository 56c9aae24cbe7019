"""Queues that keep jobs until a test takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain import envelopes as texts
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.jobs import AnyCallbackJob, Envelope, FactsJob, FileJob
from tests.fakes.clock import FakeClock
from tests.fakes.steps import Steps

SEND_BATCH = 10


class FakeQueues:
    """Queues in memory. `sent`: all jobs ever sent. `waiting`: jobs not taken yet.

    A waiting job has the time (ms) from which it can be received. `served`: the channel types that
    have queues, None for all. Jobs of others are dropped, as the stage's own queues do.
    """

    served: Sequence[ChannelType] | None = None

    def __init__(self, steps: Steps, clock: FakeClock) -> None:
        self.steps, self.clock = steps, clock
        self.sent: list[Envelope] = []
        self.waiting: list[tuple[int, Envelope]] = []
        self.handed_back: list[tuple[str, str, str]] = []  # queue, group, text

    def send(self, envelopes: Sequence[Envelope]) -> None:
        for queue in dict.fromkeys((e.worker, e.channel_type, e.priority) for e in envelopes):
            batch = [e for e in envelopes if (e.worker, e.channel_type, e.priority) == queue]
            for start in range(0, len(batch), SEND_BATCH):
                with self.steps.around("queues.send", write=True):
                    self._accept(batch[start : start + SEND_BATCH])

    def _accept(self, envelopes: Sequence[Envelope]) -> None:
        for envelope in envelopes:
            kind = envelope.channel_type
            if self.served is not None and kind is not None and kind not in self.served:
                continue
            if not 0 <= envelope.delay <= 900:
                raise ValueError("a queue delays by 0 to 900 seconds")
            decode: Any = (
                texts.decode_chunk_job if envelope.channel_type is None else texts.decode_channel
            )
            if isinstance(envelope.job, FileJob):
                decode = texts.decode_import
            if isinstance(envelope.job, FactsJob):
                decode = texts.decode_facts_job
            if isinstance(envelope.job, AnyCallbackJob):
                decode = texts.decode_callback
            envelope = replace(envelope, job=decode(texts.encode(envelope.job)))
            self.sent.append(envelope)
            self.waiting.append((self.clock.now() + envelope.delay * 1000, envelope))

    def hand_back(self, queue: str, jobs: Sequence[tuple[str, str]]) -> None:
        with self.steps.around("queues.hand_back", write=True):
            self.handed_back += [(queue, group, text) for group, text in jobs]

    def take(self) -> Envelope | None:
        """Take the first job that can be received now off the queue, high priority first."""
        ready = [
            (e.priority, n) for n, (at, e) in enumerate(self.waiting) if at <= self.clock.now()
        ]
        return self.waiting.pop(min(ready)[1])[1] if ready else None

    def back(self, envelope: Envelope, seconds: float = 0) -> None:
        """Return a job to its queue after the visibility timeout, as for a failed worker."""
        self.waiting.append((self.clock.now() + round(seconds * 1000), envelope))

    def next(self) -> int | None:
        """Return the time from which the next job can be received."""
        return min((at for at, _ in self.waiting), default=None)
