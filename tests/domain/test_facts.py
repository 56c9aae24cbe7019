"""Facts in any order and with repeats give the same state."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.facts import (
    NOTHING,
    Bundle,
    DeliveryRef,
    Fact,
    FactKind,
    decode,
    encode,
    gather,
)

refs = st.builds(
    DeliveryRef, st.integers(0, 20), st.sampled_from(["jp", "sms#1", "mail"]), st.integers(0, 2)
)
facts = st.builds(
    Fact,
    refs,
    st.sampled_from(FactKind),
    st.integers(0, 2**43),
    st.text(max_size=5),
    st.sampled_from(["call", "receipt", "link"]),
    st.sampled_from(["", "9876543210"]),
)


@given(st.lists(facts, max_size=60), st.randoms())
def test_facts_in_any_order_and_repeated_give_the_same_state(
    given_facts: list[Fact], random: object
) -> None:
    shuffled = [*given_facts, *given_facts[: len(given_facts) // 2]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert gather(shuffled) == gather(given_facts)


@given(st.lists(facts, max_size=60))
def test_facts_survive_being_stored(given_facts: list[Fact]) -> None:
    assert sorted(decode(encode(given_facts))) == sorted(set(given_facts))


@given(st.lists(facts, min_size=1, max_size=30), st.randoms())
def test_the_same_facts_are_the_same_bundle(given_facts: list[Fact], random: object) -> None:
    shuffled = list(given_facts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert Bundle(tuple(shuffled)).digest == Bundle(tuple(given_facts)).digest


@given(st.lists(facts, max_size=40), facts)
def test_a_further_fact_never_takes_a_stage_back(given_facts: list[Fact], more: Fact) -> None:
    before = gather(given_facts).get(more.ref, NOTHING)
    after = gather([*given_facts, more])[more.ref]
    assert (before.submitted, before.delivered, before.clicked, before.ended) <= (True,) * 4
    for stage in ("submitted", "delivered", "clicked", "ended"):
        assert not getattr(before, stage) or getattr(after, stage)


def test_what_was_clicked_was_delivered_and_submitted() -> None:
    ref = DeliveryRef(0, "jp", 0)
    known = gather([Fact(ref, FactKind.CLICKED, 5)])[ref]
    assert known.submitted
    assert known.delivered
    assert known.state == "clicked"


def test_the_earliest_of_two_equal_facts_stands() -> None:
    ref = DeliveryRef(0, "jp", 0)
    known = gather([Fact(ref, FactKind.DELIVERED, 9), Fact(ref, FactKind.DELIVERED, 4)])[ref]
    assert known.facts[FactKind.DELIVERED].time == 4


def test_a_delivery_that_is_submitted_after_all_is_no_longer_unknown() -> None:
    ref = DeliveryRef(0, "jp", 0)
    known = gather([Fact(ref, FactKind.UNKNOWN, 1), Fact(ref, FactKind.SUBMITTED, 2)])[ref]
    assert known.state == "submitted"
