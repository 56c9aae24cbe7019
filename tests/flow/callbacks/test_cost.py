"""A million deliveries with all nine states cost less than three dollars of callbacks in AWS."""

from __future__ import annotations

import math
import os
from collections import Counter

import pytest

from chalicelib.aws.callbacks import item
from chalicelib.domain.callbacks import BATCH, OF_FACTS, CallbackType
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.messages import CHUNK_TARGETS, Message
from chalicelib.domain.plans import ChunkId, Plan, Target, TargetLoss
from infra.bench import prices
from infra.local.units import item_size
from tests.builders import SHOP, a_msgid
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld
from tests.flow.callbacks.shop import a_called_message, a_shop, run

BOUND = 3.00  # dollars per million deliveries, each of which is in all nine states
CHUNK = CHUNK_TARGETS
PLAN_BYTES = 48_000  # of so many targets, with ids and contacts of random digits
MEMORY_GB, SECONDS_OF_A_CALL = 0.5, 0.25  # a slow receiver
KINDS = {kind: fact for fact, kind in reversed(OF_FACTS.items())}


def random_digits(count: int) -> str:
    """Return digits that do not compress, as ids of people do not."""
    return str(int.from_bytes(os.urandom(count), "big"))[:count].rjust(count, "1")


def a_chunk(fake: FakeWorld, number: int, *, lost: bool) -> tuple[Message, Plan]:
    loss = TargetLoss.NO_CONTACT if lost else None
    contacts = {} if lost else {"push": 1}
    targets = tuple(Target(f"user{random_digits(10)}", loss, contacts) for _ in range(CHUNK))
    message = a_called_message(fake, number=number, channel_key=SHOP)
    ids = [{} if lost else {"push": (random_digits(19),)} for _ in targets]
    return message, Plan(ChunkId(a_msgid(number), 0), targets, tuple(ids), START, None)


def in_all_states(fake: FakeWorld) -> None:
    """Store two chunks of people who are together in all nine states."""
    for number, lost in ((1, False), (2, True)):
        message, plan = a_chunk(fake, number, lost=lost)
        fake.messages.create(message, plan, None)
        if not lost:
            for kind in CallbackType:
                if kind in KINDS:
                    fact = KINDS[kind]
                    facts = [
                        Fact(DeliveryRef(n, "push", 0), fact, START, "0") for n in range(CHUNK)
                    ]
                    fake.ledger.add(plan.id, facts, message)


def dollars(fake: FakeWorld, deliveries: int) -> dict[str, float]:
    """Return the dollars per million deliveries, part by part, from the steps that were made."""
    steps = Counter(name for name in fake.log if not name.endswith(".done"))
    posts = steps["receivers.post"]
    sizes = [item_size(item(fake.vault, batch)) for batch in fake.callbacks.batches()]
    writes = sum(math.ceil(size / 1024) for size in sizes)
    reads = steps["ledger.plan"] * math.ceil(PLAN_BYTES / 4096) + steps["messages.get_all"] * 2
    # A batch of ten jobs is sent, received and deleted with one request each.
    requests = 3 * steps["queues.send"]
    scale = 1e6 / deliveries
    million = prices.PER_MILLION
    return {
        "SQS": requests * million["SQS requests"] / 1e6 * scale,
        "writes": writes * million["DynamoDB write units"] / 1e6 * scale,
        "reads": reads * million["DynamoDB read units"] / 1e6 * scale,
        "invocations": posts * million["Lambda requests"] / 1e6 * scale,
        "duration": posts * SECONDS_OF_A_CALL * MEMORY_GB * prices.LAMBDA_GB_SECOND * scale,
    }


@pytest.fixture
def fake() -> FakeWorld:
    fake = a_shop()
    in_all_states(fake)
    fake.log.clear()
    run(fake)
    return fake


def test_all_nine_states_of_a_million_deliveries_cost_less_than_three_dollars(
    fake: FakeWorld,
) -> None:
    assert set(KINDS) | {CallbackType.TARGET_VALID, CallbackType.TARGET_INVALID} == {*CallbackType}
    assert FactKind.SUBMITTED in KINDS.values()
    told = Counter(record["type"] for record in fake.receivers.records())
    assert told == dict.fromkeys(range(9), CHUNK)
    parts = dollars(fake, CHUNK)
    assert sum(parts.values()) < BOUND, parts


def test_every_request_is_full(fake: FakeWorld) -> None:
    posts = fake.receivers.posts
    assert len(posts) == math.ceil(9 * CHUNK / BATCH)
    steps = Counter(name for name in fake.log if not name.endswith(".done"))
    assert steps["callbacks.put"] == len(posts)
    assert steps["queues.send"] <= math.ceil(len(posts) / 10) + 1
