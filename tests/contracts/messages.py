"""Messages that the contract suites create."""

from __future__ import annotations

from collections import Counter

from chalicelib.domain.funnel import Counts
from chalicelib.domain.jobs import Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.ports import World
from tests.builders import a_plan


def first_check(message: Message) -> Timer:
    return Timer(
        message.accepted + 300_000, TimerKind.CHECK, ChunkId(message.msgid, 0), message.priority
    )


def create(world: World, message: Message, *, with_plan: bool = False) -> None:
    world.messages.create(message, a_plan(message) if with_plan else None, first_check(message))


def some_counts(seen: int, delivered: int) -> Counts:
    return Counts(
        seen=seen,
        users=Counter(planned=10, delivered=delivered),
        channels={"app": Counter(planned=10, submitted=9)},
        user_losses=Counter(no_contact=1),
        channel_losses={"app": Counter({"submit_failed:1011": 1})},
        steps=Counter({"1": 10}),
        open=Counter(undecided=2),
    )
