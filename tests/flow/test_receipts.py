"""A receipt of a single delivery costs one reading and one writing."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.messages import Retention
from chalicelib.domain.provider_io import Receipt, ReceiptKind
from chalicelib.flow import receipts
from chalicelib.ports import Lookup
from tests.builders import a_message, a_plan
from tests.fakes.world import FakeWorld

LATER = 2_000_000_000


def a_receipt(**changes: Any) -> Receipt:
    return Receipt("id", ReceiptKind.DELIVERED, **{"time": 1, "contact": "reg1", **changes})


@pytest.fixture
def fake() -> FakeWorld:
    fake, message = FakeWorld(), a_message()
    fake.messages.create(message, a_plan(message), None)
    lookup = Lookup(a_plan(message).id, (0, 0), retention=Retention(LATER, counted=False))
    fake.lookups.has("push", {"id": lookup})
    fake.log.clear()
    return fake


def test_a_receipt_with_a_direct_lookup_reads_neither_message_nor_plan(fake: FakeWorld) -> None:
    receipts.record(fake.ports, "push", [a_receipt()])
    assert [step for step in fake.log if not step.endswith(".done")] == [
        "lookups.get",
        "ledger.add",
    ]


def test_a_receipt_that_tells_of_a_dead_contact_reads_the_plan(fake: FakeWorld) -> None:
    failed = Receipt("id", ReceiptKind.DELIVERY_FAILED, 1, "reg1", "gone", undeliverable=True)
    receipts.record(fake.ports, "push", [failed])
    assert {"recordings.read", "ledger.plans"} <= set(fake.log)
