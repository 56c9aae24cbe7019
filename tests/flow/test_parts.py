"""A delivery that goes in parts, each with a report of its own."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import (
    Answer,
    Outcome,
    Receipt,
    ReceiptKind,
    names_of,
    parts_of,
)
from chalicelib.flow import deliver, dispatch, receipts
from tests.builders import a_channel, a_message, a_plan, a_reachable_user, at_once
from tests.fakes.steps import Killed
from tests.fakes.world import FakeWorld

CODE = "text"
THREE = "a1|a2 b1 c1|c2"


def sent(provider_id: str = THREE) -> tuple[FakeWorld, ChunkId]:
    """Send a message to one person, which is taken under these ids."""
    fake = FakeWorld()
    message = a_message("ann", strategy=at_once("sms"))
    fake.settings.put_channel(a_channel(CODE))
    fake.messages.has(message)
    chunk = fake.ledger.put_plan(a_plan(message, users=[a_reachable_user("ann")]), message).id
    fake.providers.text.instead = lambda call: Answer(
        [Outcome(provider_id=provider_id) for _ in call.recipients]
    )
    stored = fake.ledger.chunk(chunk)
    assert stored is not None
    (job,) = dispatch.jobs(message, stored, 0, 0)
    deliver.deliver(fake.ports, job.job)  # type: ignore[arg-type]
    return fake, chunk


def facts(fake: FakeWorld, chunk: ChunkId) -> dict[FactKind, Fact]:
    stored = fake.ledger.chunk(chunk)
    assert stored is not None
    return dict(stored.state_of(DeliveryRef(0, CODE, 0)).facts)


def report(
    name: str, time: int, kind: ReceiptKind = ReceiptKind.DELIVERED, code: str = ""
) -> Receipt:
    return Receipt(name, kind, time, code=code)


def test_ids_of_parts_and_their_names() -> None:
    assert [names_of(part) for part in parts_of(THREE)] == [("a1", "a2"), ("b1",), ("c1", "c2")]
    assert parts_of("one") == ("one",)


def test_every_name_of_every_part_leads_to_the_delivery() -> None:
    fake, _ = sent()
    assert set(fake.lookups.get(CODE, ["a1", "a2", "b1", "c1", "c2"])) == {
        "a1",
        "a2",
        "b1",
        "c1",
        "c2",
    }


@pytest.mark.parametrize("order", list(itertools.permutations(("a2", "b1", "c1"))))
def test_it_is_delivered_when_the_last_part_is_whatever_the_order(order: Sequence[str]) -> None:
    fake, chunk = sent()
    times = {"a2": 100, "b1": 300, "c1": 200}
    for name in order[:-1]:
        receipts.record(fake.ports, CODE, [report(name, times[name])])
        receipts.record(fake.ports, CODE, [report(name, times[name])])  # again
        assert FactKind.DELIVERED not in facts(fake, chunk)
    receipts.record(fake.ports, CODE, [report(order[-1], times[order[-1]])])
    assert facts(fake, chunk)[FactKind.DELIVERED].time == 300


def test_all_parts_in_one_post_are_enough() -> None:
    fake, chunk = sent()
    receipts.record(fake.ports, CODE, [report("a1", 1), report("b1", 2), report("c2", 3)])
    assert facts(fake, chunk)[FactKind.DELIVERED].time == 3


def test_one_part_under_both_its_names_is_one_part() -> None:
    fake, chunk = sent()
    receipts.record(fake.ports, CODE, [report("a1", 1), report("a2", 2), report("b1", 3)])
    assert FactKind.DELIVERED not in facts(fake, chunk)


@pytest.mark.parametrize(
    ("names", "reports"), [("x1|x2 x2|x3", ["x2", "x1"]), ("x1|x2 x2|x3 x3|x4", ["x3", "x1", "x2"])]
)
def test_a_report_that_may_be_of_either_part_is_of_one(names: str, reports: Sequence[str]) -> None:
    """Gateways that name all numbers of a SUBMIT alike count on with the next part.

    2 is the second part, or the second number.
    """
    fake, chunk = sent(names)
    for n, name in enumerate(reports):
        assert FactKind.DELIVERED not in facts(fake, chunk)
        receipts.record(fake.ports, CODE, [report(name, n)])
    assert FactKind.DELIVERED in facts(fake, chunk)


def test_one_part_that_failed_fails_it_at_once() -> None:
    fake, chunk = sent()
    receipts.record(
        fake.ports, CODE, [report("a1", 1), report("b1", 2, ReceiptKind.DELIVERY_FAILED, "UNDELIV")]
    )
    receipts.record(fake.ports, CODE, [report("c1", 3)])
    known = facts(fake, chunk)
    assert known[FactKind.DELIVERY_FAILED].code == "UNDELIV"
    assert FactKind.DELIVERED not in known


def test_reports_that_come_before_their_submission_count_too() -> None:
    fake, chunk = sent()
    early = FakeWorld()
    receipts.record(early.ports, CODE, [report("a1", 1), report("b1", 2)])
    assert early.lookups.waiting
    fake.lookups.waiting.update(early.lookups.waiting)
    deliver_again(fake, chunk)
    receipts.record(fake.ports, CODE, [report("c1", 3)])
    assert facts(fake, chunk)[FactKind.DELIVERED].time == 3


def deliver_again(fake: FakeWorld, chunk: ChunkId) -> None:
    """Deliver the job again of a worker that died right after the answer.

    All that follows from the answer is done.
    """
    message, stored = fake.messages.get(chunk.msgid), fake.ledger.chunk(chunk)
    assert message is not None
    assert stored is not None
    job = deliver.DeliverJob(chunk.msgid, chunk.number, 0, 0, CODE, 0, 1)
    deliver.deliver(fake.ports, job)


@given(st.lists(st.sampled_from(["a1", "a2", "b1", "c1", "c2"]), max_size=8))
def test_it_is_delivered_exactly_when_each_part_was_reported(names: list[str]) -> None:
    fake, chunk = sent()
    for n, name in enumerate(names):
        receipts.record(fake.ports, CODE, [report(name, n)])
    complete = bool({"a1", "a2"} & set(names)) and "b1" in names and bool({"c1", "c2"} & set(names))
    assert (FactKind.DELIVERED in facts(fake, chunk)) is complete


def test_a_delivery_in_one_piece_waits_for_nothing() -> None:
    fake, chunk = sent("x")
    receipts.record(fake.ports, CODE, [report("x", 5)])
    assert facts(fake, chunk)[FactKind.DELIVERED].time == 5
    assert not fake.lookups.waiting


def _report_all(fake: FakeWorld) -> None:
    for n, name in enumerate(("a1", "b1", "c1")):
        receipts.record(fake.ports, CODE, [report(name, n)])


def test_whoever_dies_at_whatever_point_the_repeat_completes_it() -> None:
    fake, chunk = sent()
    begin = len(fake.log)
    _report_all(fake)
    steps = len(fake.log) - begin
    expected = facts(fake, chunk)[FactKind.DELIVERED]
    for step in range(steps):
        fake, chunk = sent()
        fake.kill_at(len(fake.log) + step)
        with pytest.raises(Killed):
            _report_all(fake)
        fake.spare()
        _report_all(fake)  # what was not answered comes again
        assert facts(fake, chunk)[FactKind.DELIVERED] == expected, step
    assert steps > 10
