"""Nonces of posts: read with the lookups, written with the facts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.aws.tables import table
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.ports import Lookup, Nonce, World
from tests.builders import a_plan
from tests.contracts import faults
from tests.contracts.conftest import Container, a_message, put_lookups, read, real_container
from tests.contracts.test_lookups import TOMORROW


def a_nonce(unique: str, digest: str = "digest-1") -> Nonce:
    return Nonce(unique, "n", digest, TOMORROW)


def planned_in(world: World, *userids: str) -> tuple[ChunkId, Message]:
    message = a_message(*userids)
    plan = a_plan(message)
    world.ledger.put_plan(plan, message)
    return plan.id, message


def delivered(target: int) -> Fact:
    return Fact(DeliveryRef(target, "push", 0), FactKind.DELIVERED, 5000, "", "receipt")


def test_a_nonce_is_read_with_the_lookups_of_its_post(container: Container, unique: str) -> None:
    lookup = Lookup(ChunkId(a_message().msgid, 3), (1, 0))
    put_lookups(container(), unique, {"1": lookup}, TOMORROW)
    nonce, other = a_nonce(unique), a_nonce(unique, "digest-2")
    assert container().lookups.of_post(nonce, ["1", "2"]) == {"1": lookup}
    assert container().lookups.of_post(other, ["1", "2"]) == {"1": lookup}
    assert container().lookups.use_nonce(nonce)
    assert container().lookups.of_post(nonce, ["1", "2"]) == {"1": lookup}
    assert container().lookups.of_post(other, ["1", "2"]) is None
    assert container().lookups.of_post(other, []) is None


def test_a_nonce_that_comes_with_facts_goes_with_one_body_from_then_on(
    container: Container, unique: str
) -> None:
    world, nonce = container(), a_nonce(unique)
    chunks = [planned_in(world, "ann", "bob") for _ in range(2)]
    world.recordings.add([(at, [delivered(1)], m.retention) for at, m in chunks], nonce)
    for at, _ in chunks:
        assert read(container(), at).reported == (delivered(1),)
    assert not container().lookups.use_nonce(a_nonce(unique, "digest-2"))
    assert container().lookups.use_nonce(nonce)


@pytest.mark.parametrize(("chunks", "requests"), [(1, 1), (25, 2)])
def test_facts_and_their_nonce_are_one_request_for_twenty_four_chunks(
    real: World, aws: Callable[[str], Any], unique: str, chunks: int, requests: int
) -> None:
    bundles = [
        (at, [delivered(0)], message.retention)
        for at, message in (planned_in(real, "ann") for _ in range(chunks))
    ]
    with faults.counted(aws("dynamodb")) as calls:
        real.recordings.add(bundles, a_nonce(unique))
    assert calls == ["BatchWriteItem"] * requests


def test_a_nonce_is_read_consistently_with_its_lookups_in_one_request(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    put_lookups(real, unique, {"1": Lookup(ChunkId(a_message().msgid, 3))}, TOMORROW)
    world = real_container()
    with faults.answered(aws("dynamodb"), "BatchGetItem") as seen:
        for _ in range(2):
            assert world.lookups.of_post(a_nonce(unique), ["1"])
    asked = [request["RequestItems"][table("lookups")] for request in seen]
    assert [of["ConsistentRead"] for of in asked] == [True, True]
    assert [len(of["Keys"]) for of in asked] == [2, 1]  # the lookup is known the second time
