"""Rows, checks and conditions of targets follow from the message and its chunk alone."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain import targets
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Entrants, Target, TargetLoss
from tests.builders import a_message, a_plan, a_reachable_user, a_strategy, a_user
from tests.fakes.clock import START

PUSH, TEXT = DeliveryRef(0, "push", 0), DeliveryRef(0, "text", 0)
SECOND = 1000


def a_fact(kind: FactKind, after: int, ref: DeliveryRef = PUSH, code: str = "") -> Fact:
    return Fact(ref, kind, START + after * SECOND, code)


SUBMITTED = a_fact(FactKind.SUBMITTED, 1)


def judged(
    *facts: Fact, at: int, operator: str = "and", began: int | None = None, **changes: Any
) -> dict[str, Any]:
    """Return the condition of the second step, so many seconds after the message."""
    message = a_message("ann", strategy=a_strategy("app", "sms", operator=operator))
    entrants = () if began is None else (Entrants(1, 0, (0,), START + began * SECOND),)
    chunk = Chunk(a_plan(message), entrants, reported=facts, **changes)
    (condition,) = targets.conditions(message, chunk, 0, START + at * SECOND)
    return condition


@pytest.mark.parametrize(
    ("facts", "at", "outcome", "time", "term"),
    [
        ([], 5, "open", None, ("open", None)),
        ([SUBMITTED], 5, "open", 61, ("open", 61)),
        ([SUBMITTED], 61, "due", None, ("missing", 61)),
        ([SUBMITTED, a_fact(FactKind.DELIVERED, 9)], 70, "reached", 9, ("reached", 9)),
        ([a_fact(FactKind.INVALID_TARGET, 2)], 3, "due", None, ("missing", 2)),
    ],
)
def test_a_condition_says_what_was_judged_and_when(
    facts: list[Fact], at: int, outcome: str, time: int | None, term: tuple[str, int | None]
) -> None:
    def ms(seconds: int | None) -> int | None:
        return None if seconds is None else START + seconds * SECOND

    condition = judged(*facts, at=at)
    assert (condition["step"], condition["channels"]) == (2, ["sms"])
    assert (condition["outcome"], condition["time"]) == (outcome, ms(time))
    (shown,) = condition["terms"]
    assert (shown["outcome"], shown["time"]) == (term[0], ms(term[1]))
    assert (shown["channel"], shown["missing"], shown["within"]) == ("app", "delivered", 60)


def test_a_step_that_began_is_judged_by_what_was_known_then() -> None:
    late = a_fact(FactKind.DELIVERED, 90)
    condition = judged(SUBMITTED, late, at=500, began=62)
    assert (condition["outcome"], condition["time"]) == ("began", START + 62 * SECOND)
    assert condition["terms"][0]["outcome"] == "missing"


def test_a_withdrawal_ends_what_was_open() -> None:
    condition = judged(SUBMITTED, at=500, withdrawn=START + 7)
    assert (condition["outcome"], condition["time"]) == ("withdrawn", START + 7)


def test_whoever_was_skipped_was_reached() -> None:
    message = a_message("ann", strategy=a_strategy("app", "sms", "email"))
    skipped = a_fact(FactKind.SKIPPED, 63, TEXT)
    chunk = Chunk(
        a_plan(message),
        (Entrants(1, 0, (0,), START + 62 * SECOND),),
        reported=(SUBMITTED, skipped),
    )
    second, third = targets.conditions(message, chunk, 0, START + 500 * SECOND)
    assert second["outcome"] == "began"
    assert (third["outcome"], third["time"]) == ("reached", skipped.time)


def test_a_target_that_never_began_has_no_conditions() -> None:
    message = a_message("ann", "zoe", strategy=a_strategy("app", "sms"))
    chunk = Chunk(a_plan(message, users=[a_reachable_user("ann")]))
    assert list(targets.conditions(message, chunk, 1, START)) == []


def checked(message: Message, *of: Target) -> list[list[tuple[str, str]]]:
    chunk = Chunk(a_plan(message, targets=of, contacts=tuple({} for _ in of)))
    return [
        [(each["check"], each["outcome"]) for each in targets.checks(message, chunk, position)]
        for position in range(len(of))
    ]


def test_only_checks_that_the_message_asked_for_are_told_up_to_the_loss() -> None:
    plain = a_message("ann")
    listed = a_message("ann", black_id=3, white_id=4, topic=1, purpose="marketing")
    fine, lost = Target("ann", None, {}), Target("bob", TargetLoss.NOT_WHITELISTED, {})
    assert checked(plain, fine) == [
        [("user", "passed"), ("suppressions", "passed"), ("contacts", "passed")]
    ]
    whole, ended = checked(listed, fine, lost)
    assert [name for name, _ in whole] == [
        "user",
        "blacklist",
        "whitelist",
        "suppressions",
        "contacts",
        "preferences",
        "consent",
    ]
    assert ended == [("user", "passed"), ("blacklist", "passed"), ("whitelist", "failed")]


def test_a_check_may_leave_out_some_contacts() -> None:
    message = a_message("ann", strategy=a_strategy("app", "sms"))
    target = Target("ann", None, {}, {"text": "opted_out"})
    chunk = Chunk(a_plan(message, targets=(target,), contacts=({},)))
    by_name = {each["check"]: each for each in targets.checks(message, chunk, 0)}
    assert by_name["suppressions"] == {
        "check": "suppressions",
        "outcome": "left_out",
        "channels": {"text": "opted_out"},
    }


def test_rows_are_found_by_reason_with_or_without_its_code() -> None:
    message = a_message("ann", "bob", "zoe")
    users = [a_reachable_user("ann"), a_user("bob", push=("r",))]
    failed = Fact(DeliveryRef(1, "push", 0), FactKind.DELIVERY_FAILED, START, "1011")
    chunk = Chunk(a_plan(message, users=users), reported=(SUBMITTED, failed))
    rows = list(targets.rows(message, chunk))
    assert [(row.target, row.state, row.reason) for row in rows] == [
        ("ann", "submitted", ""),
        ("bob", "delivery_failed", "delivery_failed:1011"),
        ("zoe", "invalid", "unknown_user"),
    ]
    for reason, state, names in (
        ("", "", ["ann", "bob", "zoe"]),
        ("delivery_failed", "", ["bob"]),
        ("delivery_failed:1011", "", ["bob"]),
        ("delivery_failed:7", "", []),
        ("", "submitted", ["ann"]),
        ("unknown_user", "submitted", []),
    ):
        assert [row.target for row in rows if row.has(reason, state)] == names
