"""A delivery channel with a quota, and what its counters and chunks say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.jobs import TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from tests.builders import a_channel
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld

DAY = "2027-01-15"
TURN = START + 8 * 3_600_000  # START is 16:00 in China
HOUR = 3_600_000


def limited(fake: FakeWorld, quota: int | None, **changes: Any) -> None:
    fake.settings.put_channel(
        a_channel("mail", ChannelType.EMAIL, deliveries_per_day=quota, **changes)
    )


def chunk_of(fake: FakeWorld, message: Message) -> Chunk:
    chunk = fake.ledger.chunk(ChunkId(message.msgid, 0))
    assert chunk is not None
    return chunk


def checks(fake: FakeWorld) -> list[int]:
    return [timer.at for timer in fake.timers.waiting() if timer.kind is TimerKind.CHECK]


def used(fake: FakeWorld, day: str = DAY) -> int:
    return fake.counters.counted[f"quota#mail#{day}"]


def raise_quota(fake: FakeWorld) -> None:
    channel = fake.settings.channel("mail")
    assert channel is not None
    raised = replace(channel, deliveries_per_day=1000, version=channel.version + 1)
    fake.settings.update_channel(channel, raised)
