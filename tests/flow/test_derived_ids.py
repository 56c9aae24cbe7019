"""Reports under ids that we derived, and of accounts that several channels share."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import FactKind
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Receipt, ReceiptKind, derived_name, reported_name
from chalicelib.flow import provider_ids, receipts
from chalicelib.ports import Lookup
from tests.builders import a_channel, a_message, a_plan, a_user, at_once
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld

SMS, OTHER = ChannelType.SMS, "text2"


def report(id: str, *, may_be_derived: bool = True) -> Receipt:
    return Receipt(id, ReceiptKind.DELIVERED, START, may_be_derived=may_be_derived)


def a_world(*numbers: int, code: str = "text") -> tuple[FakeWorld, list[ChunkId]]:
    """Build a world with a message of one delivery for each of the numbers."""
    fake = FakeWorld()
    for n, name in enumerate(("text", OTHER)):
        fake.settings.put_channel(a_channel(name, SMS, platform="text", number=n + 1))
    return fake, [a_chunk(fake, number, code) for number in numbers]


def a_chunk(fake: FakeWorld, number: int, code: str) -> ChunkId:
    users = [a_user("ann", text="1001")]
    message = a_message(
        "ann",
        number=number,
        strategy=at_once("sms"),
        channels={code: SMS},
        call_sizes={code: 1},
    )
    fake.messages.has(message)
    return fake.ledger.put_plan(a_plan(message, users=users), message).id


def put(fake: FakeWorld, names: Sequence[str], chunk: ChunkId, code: str = "text") -> None:
    fake.lookups.has(code, dict.fromkeys(names, Lookup(chunk, (0, 0))))


def delivered(fake: FakeWorld, chunk: ChunkId) -> bool:
    stored = fake.ledger.chunk(chunk)
    assert stored is not None
    return any(fact.kind is FactKind.DELIVERED for fact in stored.reported)


@pytest.mark.parametrize("first", [0, 1])
def test_a_told_id_goes_before_a_derived_one_whatever_was_stored_first(first: int) -> None:
    fake, chunks = a_world(1, 2)
    stored = [([derived_name("x+1")], chunks[0]), (["x+1"], chunks[1])]
    for names, chunk in (stored[first], stored[1 - first]):
        put(fake, names, chunk)
    receipts.record(fake.ports, "text", [report("x+1")])
    assert [delivered(fake, chunk) for chunk in chunks] == [False, True]


@pytest.mark.parametrize("may_be_derived", [True, False])
def test_a_derived_id_counts_only_where_the_gateway_may_mean_it(may_be_derived: bool) -> None:
    fake, (chunk,) = a_world(1)
    put(fake, ["x", derived_name("x+1")], chunk)
    receipts.record(fake.ports, "text", [report("x+1", may_be_derived=may_be_derived)])
    assert delivered(fake, chunk) is may_be_derived


def test_a_report_that_comes_before_the_derived_id_is_parked_and_found() -> None:
    fake, (chunk,) = a_world(1)
    receipts.record(fake.ports, "text", [report("x+1")])
    names = ("x", derived_name("x+1"))
    put(fake, names, chunk)
    receipts.record_parked(fake.ports, {"text": names})
    assert delivered(fake, chunk)


@pytest.mark.parametrize("name", ["x", derived_name("x")])
@pytest.mark.parametrize("is_early", [False, True])
def test_a_report_on_an_account_goes_to_the_channel_that_knows_its_id(
    name: str, is_early: bool
) -> None:
    fake, (chunk,) = a_world(1, code=OTHER)
    if is_early:
        receipts.record_of_account(fake.ports, ["text", OTHER], [report("x")])
    put(fake, [name], chunk, OTHER)
    receipts.record_parked(fake.ports, {OTHER: [name]})
    receipts.record_of_account(fake.ports, ["text", OTHER], [report("x")])
    assert delivered(fake, chunk)
    assert reported_name(name) == "x"
    parked = {channel for channel, _ in fake.lookups.waiting}
    assert parked == ({"text", OTHER} if is_early or name != "x" else set())


@pytest.mark.parametrize("codes", [["text"], ["text", OTHER], [OTHER, "text"]])
@pytest.mark.parametrize("is_stale", [False, True])
@pytest.mark.parametrize("spells", [False, True])
def test_an_id_that_one_channel_was_told_goes_before_one_derived_for_another(
    codes: list[str], is_stale: bool, spells: bool
) -> None:
    """`spells`: the id is stored as a hash, since it spells the number."""
    fake, (of_derived,) = a_world(1)
    of_told = a_chunk(fake, 2, codes[-1])
    name = provider_ids.hidden(fake.ports.vault, "x") if spells else "x"
    put(fake, [derived_name(name)], of_derived)
    put(fake, [name], of_told, codes[-1])
    fake.lookups.stale = is_stale
    receipts.record_of_account(fake.ports, codes, [report("x")])
    assert [delivered(fake, chunk) for chunk in (of_derived, of_told)] == [False, True]


def told_at(moment: int, codes: Sequence[str]) -> tuple[bool, bool]:
    """Let another worker record a told id at a step of a report that a derived one takes.

    Return whether there was such a step, and whether the told one got the report.
    """
    fake, (of_derived,) = a_world(1)
    told = a_chunk(fake, 2, codes[-1])
    put(fake, [derived_name("x")], of_derived)

    def strike(number: int, name: str) -> None:
        if number == moment:
            fake.spare()
            put(fake, ["x"], told, codes[-1])
            receipts.record_parked(fake.ports, {codes[-1]: ["x"]})

    fake.forget_steps()
    fake.on_step = strike
    receipts.record_of_account(fake.ports, codes, [report("x")])
    is_after = fake.on_step is strike
    if is_after:
        strike(moment, "afterwards")
    return not is_after, delivered(fake, told)


@pytest.mark.parametrize("codes", [["text"], ["text", OTHER], [OTHER, "text"]])
def test_a_report_that_a_derived_id_takes_is_still_there_for_a_told_one(codes: list[str]) -> None:
    for moment in itertools.count():
        was_step, is_told = told_at(moment, codes)
        assert is_told, moment
        if not was_step:
            break
    assert moment > 4
