"""The reach of messages to a person, and the own rates that follow."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.reach import LASTS, MOST_OF_TYPE, grown, own_rates, reach_of, reached
from chalicelib.domain.rules.caps import Mark
from chalicelib.domain.strategies import Choice
from tests.builders import a_message, a_msgid, a_plan, a_strategy, a_user
from tests.fakes.clock import START


def a_mark(number: int, kind: str, age: int = 0) -> Mark:
    at = START - age * 86_400_000
    return Mark(a_msgid(number, at), kind, 0, 0, at, at + LASTS)


def test_own_rates_need_some_submissions_of_the_last_days() -> None:
    marks = [
        *(a_mark(n, "app|submitted|1") for n in range(3)),
        a_mark(3, "app|clicked|3"),
        *(a_mark(n, "sms|delivered|2") for n in range(2)),
        *(a_mark(n, "email|delivered|2", age=29) for n in range(3)),
        *(a_mark(n + 9, "email|submitted|1", age=30) for n in range(3)),
    ]
    assert own_rates(marks, Choice.BEST, START) == {"app": 0.25, "email": 1.0}
    assert own_rates(marks, Choice.MOST_CLICKED, START) == {"app": 0.25, "email": 0.0}


KINDS = st.sampled_from(["app|submitted|1", "app|delivered|2", "app|submitted|3", "sms|clicked|4"])


@given(st.lists(st.tuples(st.integers(0, 30), KINDS), max_size=60), st.randoms())
def test_reach_may_come_again_and_in_any_order(
    facts: list[tuple[int, str]], chance: Random
) -> None:
    marks = [a_mark(*fact) for fact in facts]
    kept = grown([], marks, START)
    shuffled: list[Mark] = []
    for mark in chance.sample([*marks, *marks], 2 * len(marks)):
        shuffled = grown(shuffled, [mark], START)
    assert sorted(shuffled) == sorted(kept)
    per_type = Counter(reach_of(mark).channel_type for mark in kept)
    assert max(per_type.values(), default=0) <= MOST_OF_TYPE
    assert len({(reach_of(m).channel_type, m.msgid) for m in kept}) == len(kept)


def test_the_reach_of_a_message_is_the_furthest_stage_on_each_channel_type() -> None:
    message = a_message("ann", "bob", "zoe", strategy=a_strategy("app,email"))
    plan = a_plan(message, users=[a_user("ann", push=("r1", "r2"), mail="a"), a_user("bob")])
    facts = (
        Fact(DeliveryRef(0, "push", 0), FactKind.SUBMITTED, 1),
        Fact(DeliveryRef(0, "push", 1), FactKind.DELIVERED, 2),
        Fact(DeliveryRef(0, "mail", 0), FactKind.DELIVERED, 3),
        Fact(DeliveryRef(0, "mail", 0), FactKind.BOUNCED, 4),
    )
    (marks,) = reached(message, Chunk(plan, reported=facts)).values()
    assert [mark.kind for mark in marks] == ["app|delivered|2", "email|submitted|2"]
    assert {mark.time for mark in marks} == {message.accepted}
