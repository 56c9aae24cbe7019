"""Figures of a chunk follow from its facts alone, and agree with the report of its message."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import figures
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.figures import QUARTER, Cell
from chalicelib.domain.funnel import COUNTED_WITHIN, count
from chalicelib.domain.messages import Hold
from tests.builders import SHOP, a_message, a_plan, a_reachable_user, a_user, at_once
from tests.fakes.clock import START

DAY = 86_400_000
SENT = Cell(SHOP, START // QUARTER)
REF = DeliveryRef(0, "push", 0)


def a_chunk(*facts: Fact) -> Chunk:
    message = a_message("ann", "bob", strategy=at_once("app", "sms"))
    users = [a_reachable_user("ann"), a_user("bob", text="2")]
    return Chunk(a_plan(message, users=users), reported=facts)


def of(*facts: Fact, **changes: object) -> figures.Figures:
    message = a_message("ann", "bob", strategy=at_once("app", "sms"), **changes)
    return figures.of_chunk(message, a_chunk(*facts))


def a_fact(kind: FactKind, after: int = 0, ref: DeliveryRef = REF) -> Fact:
    return Fact(ref, kind, START + after)


FACTS = st.lists(
    st.builds(
        Fact,
        st.sampled_from([REF, DeliveryRef(0, "text", 0), DeliveryRef(1, "text", 0)]),
        st.sampled_from(list(FactKind)),
        st.integers(START - DAY, START + 6 * DAY),
        st.sampled_from(["", "7"]),
    ),
    max_size=12,
)


@given(facts=FACTS, seed=st.integers(0, 99))
def test_neither_order_nor_repetition_of_facts_matters(facts: list[Fact], seed: int) -> None:
    again = [*facts, *facts[:3]]
    random.Random(seed).shuffle(again)
    assert of(*again) == of(*facts)


@given(facts=FACTS)
def test_figures_agree_with_the_counts_of_the_message(facts: list[Fact]) -> None:
    message = a_message("ann", "bob", strategy=at_once("app", "sms"))
    counts, total = count(message, a_chunk(*facts)), of(*facts)[SENT]
    for stage in ("planned", "valid", "submitted", "delivered", "clicked"):
        assert total[f"users|{stage}"] == counts.users[stage]
    for kind, code in (("app", "push"), ("sms", "text")):
        assert total[f"channel|{kind}|{code}|planned"] == counts.channels[kind]["planned"]
        losses = {
            name.split("|", 3)[3]: n
            for name, n in total.items()
            if name.startswith(f"loss|{kind}|{code}|")
        }
        assert losses == dict(counts.channel_losses.get(kind, {}))


@given(facts=FACTS, more=FACTS)
def test_the_difference_makes_of_the_earlier_figures_the_later_ones(
    facts: list[Fact], more: list[Fact]
) -> None:
    before, after = of(*facts), of(*facts, *more)
    total = figures.added([before, figures.less(after, before)])
    assert {cell: +counts for cell, counts in total.items() if +counts} == {
        cell: +counts for cell, counts in after.items() if +counts
    }
    assert figures.less(after, after) == {}


def test_a_report_counts_in_its_own_quarter_and_the_message_in_that_of_its_sending() -> None:
    counted = of(a_fact(FactKind.SUBMITTED), a_fact(FactKind.DELIVERED, 2 * QUARTER))
    assert counted[SENT]["channel|app|push|delivered"] == 1
    later = Cell(SHOP, SENT.quarter + 2)
    assert counted[later] == Counter({"reported|app|push|delivered": 1, "reported|delivered": 1})


def test_a_held_message_counts_in_the_quarter_in_which_its_hold_ended() -> None:
    counted = of(hold=Hold(START + QUARTER, "quiet_hours"))
    assert set(counted) == {Cell(SHOP, SENT.quarter + 1)}


@pytest.mark.parametrize(("time", "quarter"), [(0, SENT.quarter), (9**17, None)])
def test_a_providers_clock_may_be_anything(time: int, quarter: int | None) -> None:
    counted = of(Fact(REF, FactKind.DELIVERED, time))
    last = (START + figures.LATEST) // QUARTER
    assert max(cell.quarter for cell in counted) == (quarter or last)


def test_receipts_are_counted_by_the_time_since_their_submission() -> None:
    for ms, bucket in ((0, 0), (1000, 0), (1001, 1), (2000, 4), (60_000, 24)):
        counted = of(a_fact(FactKind.SUBMITTED), a_fact(FactKind.DELIVERED, ms))
        assert counted[SENT][f"latency|app|push|{bucket}"] == 1
        assert ms / 1000 <= figures.seconds_of(bucket) <= max(1, ms / 1000 * 1.2)


def test_percentiles_are_those_of_the_buckets() -> None:
    buckets = {0: 50, 4: 40, 8: 9, 40: 1}
    assert [figures.percentile(buckets, share) for share in (0.5, 0.9, 0.99, 1)] == [1, 2, 4, 1024]
    assert figures.percentile({}, 0.5) is None


def test_templates_are_not_counted_for_the_deployment() -> None:
    counted = of(template=(7, 1))
    assert counted[SENT]["template|7|planned"] == 2
    (cell,) = figures.of_deployment(counted)
    assert cell == Cell(figures.DEPLOYMENT, SENT.quarter)
    assert not any(name.startswith("template") for name in figures.of_deployment(counted)[cell])


@pytest.mark.parametrize(("after", "number"), [(COUNTED_WITHIN, 1), (COUNTED_WITHIN + 1, 0)])
def test_a_messages_details_count_receipts_of_a_week_and_its_people_all(
    after: int, number: int
) -> None:
    facts = (a_fact(FactKind.SUBMITTED), a_fact(FactKind.DELIVERED, after))
    message = a_message("ann", "bob", strategy=at_once("app", "sms"))
    counts = count(message, a_chunk(*facts))
    assert counts.channels["app"]["delivered"] == number
    assert counts.users["delivered"] == 1
    assert figures.of_chunk(message, a_chunk(*facts))[SENT]["channel|app|push|delivered"] == 1


@given(parts=st.lists(FACTS, min_size=1, max_size=4), seed=st.integers(0, 99))
def test_the_latest_fact_of_a_line_stays_in_whatever_order_parts_are_added(
    parts: list[list[Fact]], seed: int
) -> None:
    message = a_message("ann", "bob", strategy=at_once("app", "sms"))
    cell = Cell(message.msgid, figures.LINE)
    lines = [{cell: figures.of_line(message, a_chunk(*facts))} for facts in parts]
    latest = max(line[cell][figures.LAST] for line in lines)
    random.Random(seed).shuffle(lines)
    assert figures.added(lines)[cell][figures.LAST] == latest
    grown = figures.less(lines[0], {})
    assert figures.added([{}, grown]) == {k: v for k, v in lines[0].items() if v}
