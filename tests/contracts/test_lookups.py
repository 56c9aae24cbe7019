"""Lookups: receipts and their submissions meet, whichever comes first."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from chalicelib.domain.plans import ChunkId
from chalicelib.ports import Lookup, Nonce, World
from tests.contracts import faults
from tests.contracts.conftest import Container, a_message, a_receipt, put_lookups, raw_lookup

TOMORROW = int(time.time()) + 86400


def chunk() -> ChunkId:
    return ChunkId(a_message().msgid, 3)


def test_an_id_leads_to_its_chunk_or_to_one_delivery(container: Container, unique: str) -> None:
    found = {
        "call-1": Lookup(chunk()),
        "mt#%1": Lookup(chunk(), (12, 0)),
        "号": Lookup(chunk(), (0, 3)),
        "element": Lookup(chunk(), (1, 0), element=2),
        "call-2": Lookup(chunk(), element=3),
        "part-2": Lookup(chunk(), (1, 0), ("part-2", "b"), 2),
        "part": Lookup(chunk(), (1, 0), ("part", "a|b")),
    }
    put_lookups(container(), unique, found, TOMORROW)
    assert container().lookups.get(unique, [*found, "unknown", "call-1"]) == found


def test_channels_do_not_mix(world: World, unique: str) -> None:
    put_lookups(world, unique, {"1": Lookup(chunk())}, TOMORROW)
    assert world.lookups.get(f"{unique}-other", ["1"]) == {}


def test_an_id_that_was_not_there_is_found_when_asked_again(
    world: World, container: Container, unique: str
) -> None:
    assert world.lookups.get(unique, ["1"]) == {}
    put_lookups(container(), unique, {"1": Lookup(chunk())}, TOMORROW)
    assert set(world.lookups.get(unique, ["1"], fresh=True)) == {"1"}


def test_many_ids_are_put_and_found(world: World, unique: str) -> None:
    at = chunk()
    found = {f"id-{n}": Lookup(at, (n, 0)) for n in range(230)}
    put_lookups(world, unique, found, TOMORROW)
    assert world.lookups.get(unique, list(found)) == found
    assert world.lookups.get(unique, []) == {}


def test_what_was_submitted_last_is_known_for_each_channel(
    container: Container, unique: str
) -> None:
    other = f"{unique}-other"
    container().lookups.expect(unique, 1_000_000, TOMORROW)
    container().lookups.expect(unique, 1_030_000, TOMORROW)
    container().lookups.expect(other, 5_000_000, TOMORROW)
    assert container().lookups.expected([unique, other, f"{unique}-none"]) == {
        unique: 1_030_000,
        other: 5_000_000,
    }
    assert container().lookups.expected([]) == {}


def test_a_job_that_is_done_again_takes_no_later_submission_back(
    container: Container, unique: str
) -> None:
    container().lookups.expect(unique, 9_000_000, TOMORROW)
    container().lookups.expect(unique, 1_000_000, TOMORROW)
    assert container().lookups.expected([unique]) == {unique: 9_000_000}


def test_a_container_says_so_twice_a_minute_at_most(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    with faults.counted(aws("dynamodb")) as calls:
        for seconds in range(90):
            real.lookups.expect(unique, 1_000_000 + seconds * 1000, TOMORROW)
    assert calls == ["UpdateItem"] * 3


def test_a_nonce_goes_with_one_body_only(container: Container, unique: str) -> None:
    assert container().lookups.use_nonce(Nonce(unique, "n", "digest-1", TOMORROW))
    assert container().lookups.use_nonce(Nonce(unique, "n", "digest-1", TOMORROW))
    assert not container().lookups.use_nonce(Nonce(unique, "n", "digest-2", TOMORROW))
    assert container().lookups.use_nonce(Nonce(unique, "n2", "digest-2", TOMORROW))


# -- what only AWS does


def test_parked_contacts_cannot_be_read_and_everything_expires(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    put_lookups(real, unique, {"1": Lookup(chunk())}, TOMORROW)
    real.lookups.park(unique, {"1": [a_receipt("13900001111-1")]}, TOMORROW)
    real.lookups.use_nonce(Nonce(unique, "1", "digest", TOMORROW))
    items = [raw_lookup(aws, kind, unique, "1") for kind in ("receipt", "parked", "nonce")]
    assert {item["expires"]["N"] for item in items} == {str(TOMORROW)}
    assert "1390000" not in repr(items)


def test_an_id_that_no_key_can_hold_is_nobodys(real: World, unique: str) -> None:
    """A post may hold any text. A refusal would make the provider repeat it again and again."""
    for odd in ("x" * 5000, "half \ud800 pair", ""):
        real.lookups.park(unique, {odd: [a_receipt(odd)], "good": [a_receipt("good")]}, TOMORROW)
        assert real.lookups.get(unique, [odd]) == {}
        real.lookups.parked(unique, [odd])
    assert len(real.lookups.parked(unique, ["good"])) == 1


def test_writes_that_come_back_unprocessed_are_written_in_the_end(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    found = {f"id-{n}": Lookup(chunk()) for n in range(30)}

    def some_back(asked: Any) -> Any:
        return {"UnprocessedItems": asked["RequestItems"]}

    with faults.answered(aws("dynamodb"), "BatchWriteItem", some_back, some_back) as seen:
        put_lookups(real, unique, found, TOMORROW)
    assert [len(next(iter(asked["RequestItems"].values()))) for asked in seen] == [25, 25, 25, 5]
    assert real.lookups.get(unique, list(found), fresh=True) == found


def test_what_is_known_is_not_asked_for_again(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    put_lookups(real, unique, {f"{n}": Lookup(chunk()) for n in range(3)}, TOMORROW)
    with faults.counted(aws("dynamodb")) as calls:
        for _ in range(3):
            real.lookups.get(unique, ["0", "1", "2"])
        real.lookups.get(unique, ["0"], fresh=True)
        real.lookups.get(unique, ["0", "unknown"])
    assert calls == ["BatchGetItem"] * 2
