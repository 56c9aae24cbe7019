"""Ids that spell a contact, by chance or not, lead to their delivery from every receipt."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from chalicelib.domain.facts import FactKind
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import (
    Answer,
    Outcome,
    OutgoingCall,
    Receipt,
    ReceiptKind,
    Recipient,
    derived_name,
    names_of,
    parts_of,
)
from chalicelib.flow import provider_ids, receipts
from chalicelib.ports import Lookup
from chalicelib.providers.sms.cmpp.receipts import name
from tests.builders import a_message, a_plan, a_user, at_once
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld

PHONE = "13900011111"
SPELLING = name(0xBF00_3A40_0001_1111, PHONE)  # gateway 1, 4,369th message
FURTHER = name(0xBF00_3A40_0001_1112, PHONE)
OTHER = "13900021111"


def a_world(*numbers: str) -> tuple[FakeWorld, ChunkId]:
    fake = FakeWorld()
    users = [a_user(f"u{n}", text=number) for n, number in enumerate(numbers)]
    ids = [user.userid for user in users]
    message = a_message(*ids, strategy=at_once("sms"), call_sizes={"text": 99})
    fake.messages.has(message)
    return fake, fake.ledger.put_plan(a_plan(message, users=users), message).id


def submit(fake: FakeWorld, chunk: ChunkId, number: str, id: str) -> list[str]:
    """Record the lookups of an answer for one number, and return their names."""
    call = OutgoingCall("m", [Recipient(number, {})])
    (outcome,) = provider_ids.of_answer(
        fake.ports.vault, call, Answer([Outcome(provider_id=id)])
    ).outcomes
    parts = parts_of(outcome.provider_id)
    lookup = Lookup(chunk, (0, 0), parts if len(parts) > 1 else ())
    names = [name for part in parts for name in names_of(part)]
    fake.lookups.has("text", dict.fromkeys(names, lookup))
    return names


def delivered(fake: FakeWorld, chunk: ChunkId) -> list[int]:
    stored = fake.ledger.chunk(chunk)
    assert stored is not None
    return [fact.ref.target for fact in stored.reported if fact.kind is FactKind.DELIVERED]


@pytest.mark.parametrize("is_early", [False, True])
@pytest.mark.parametrize("told", ["", PHONE, f"+86{PHONE}", "139****1111"])
@pytest.mark.parametrize(
    ("id", "reported"),
    [
        (SPELLING, [SPELLING]),
        (f"{SPELLING} {FURTHER}", [SPELLING, FURTHER]),
        (f"{FURTHER}|{derived_name(SPELLING)}", [SPELLING]),
        (f"{SPELLING}|{derived_name(FURTHER)}", [FURTHER]),
    ],
)
def test_an_id_that_spells_its_contact_is_found_whatever_its_receipt_tells(
    id: str, reported: Sequence[str], told: str, is_early: bool
) -> None:
    """A gateway of CMPP tells a Msg_Id. Its reports leave no contact beside our name for it."""
    fake, chunk = a_world(PHONE)
    of_parts = [
        Receipt(name, ReceiptKind.DELIVERED, START, told, may_be_derived=True) for name in reported
    ]
    steps: list[Callable[[], object]] = [
        lambda: receipts.record_parked(fake.ports, {"text": submit(fake, chunk, PHONE, id)}),
        lambda: [receipts.record(fake.ports, "text", [of_part]) for of_part in of_parts],
    ]
    for step in reversed(steps) if is_early else steps:
        step()
    assert delivered(fake, chunk) == [0]
    # Parked receipts are sealed, but not their names.
    assert PHONE[-8:] not in f"{fake.lookups.found} {list(fake.lookups.waiting)}"


@pytest.mark.parametrize("is_early", [False, True])
def test_the_id_of_a_call_to_many_is_found_by_the_receipt_of_somebody_whom_it_spells(
    is_early: bool,
) -> None:
    fake, chunk = a_world(PHONE, OTHER)
    id = f"25623{PHONE[-8:]}"
    told = [Receipt(id, ReceiptKind.DELIVERED, START, contact) for contact in (PHONE, OTHER)]
    if is_early:
        receipts.record(fake.ports, "text", told)
    fake.lookups.has("text", {id: Lookup(chunk)})
    receipts.record_parked(fake.ports, {"text": [id]})
    receipts.record(fake.ports, "text", [] if is_early else told)
    assert sorted(delivered(fake, chunk)) == [0, 1]


@pytest.mark.parametrize("id", ["x", derived_name("x")])
def test_a_lookup_that_was_written_before_a_report_was_parked_is_found_by_it(id: str) -> None:
    """A first reading may be older than the lookup, whose writer has seen nothing parked."""
    fake, chunk = a_world(PHONE)
    names = submit(fake, chunk, PHONE, id)
    receipts.record_parked(fake.ports, {"text": names})
    fake.lookups.stale = True
    report = Receipt("x", ReceiptKind.DELIVERED, START, may_be_derived=True)
    receipts.record(fake.ports, "text", [report])
    assert delivered(fake, chunk) == [0]
