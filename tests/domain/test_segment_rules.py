"""Rules of segments: a truth table of conditions, and any rule against a naive evaluator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.comparisons import Today
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.segment_rules import (
    Person,
    View,
    conditions,
    contradictions,
    days_of_messages,
    levels,
    logged_events,
    matches,
    purposes,
)
from chalicelib.domain.traces import DAY, Interacted, Interaction, Occurrence
from chalicelib.domain.users import User

NOW = 20_786 * DAY + 12 * 3_600_000  # noon of 2026-11-29
VIEW = View("shop", NOW, Today(date(2026, 11, 29), UTC))
APP, SMS = ChannelType.APP, ChannelType.SMS

ANN = Person(
    User(
        "ann",
        tags={"shop": ("vip",), "all": ("new",), "other": ("old",)},
        attributes={"points": 120, "city": "Hangzhou"},
        events={"order": (5, NOW - 3 * DAY), "login": (1, NOW - 40 * DAY)},
    ),
    contacts=frozenset({APP}),
    consents={"marketing": frozenset({SMS})},
    logs={
        "order": (
            Occurrence(NOW - 3 * DAY, {"amount": 50, "city": "Hangzhou"}),
            Occurrence(NOW - 10 * DAY, {"amount": 200}),
        )
    },
    interactions=(
        Interacted(Interaction.SENT, NOW // DAY - 7, 3, 0),
        Interacted(Interaction.CLICKED, NOW // DAY - 2, 3, 4),
    ),
)
MORE_THAN_100 = {"property": "amount", "is": "more", "value": 100}


@pytest.mark.parametrize(
    ("condition", "is_true"),
    [
        ({"tag": "vip"}, True),
        ({"tag": "new"}, True),
        ({"tag": "old"}, False),
        ({"tag": "old", "scope": "other"}, True),
        ({"tag": "vip", "scope": "all"}, False),
        ({"attribute": "points", "is": "at_least", "value": 120}, True),
        ({"attribute": "points", "is": "exists"}, True),
        ({"attribute": "age", "is": "exists"}, False),
        ({"attribute": "age", "is": "less", "value": 18}, False),
        ({"event": "order"}, True),
        ({"event": "order", "at_least": 5}, True),
        ({"event": "order", "at_least": 6}, False),
        ({"event": "order", "days": 3}, True),
        ({"event": "order", "days": 2}, False),
        ({"event": "order", "at_least": 2, "days": 10}, True),
        ({"event": "order", "at_least": 2, "days": 9}, False),
        ({"event": "order", "where": [MORE_THAN_100]}, True),
        ({"event": "order", "where": [MORE_THAN_100], "days": 9}, False),
        ({"event": "order", "where": [MORE_THAN_100], "at_least": 2}, False),
        ({"event": "login", "days": 40}, True),
        ({"event": "refund"}, False),
        ({"contact": "app"}, True),
        ({"contact": "sms"}, False),
        ({"consent": "marketing"}, True),
        ({"consent": "marketing", "contact": "sms"}, True),
        ({"consent": "marketing", "contact": "app"}, False),
        ({"consent": "surveys"}, False),
        ({"message": "sent", "days": 7}, True),
        ({"message": "sent", "days": 6}, False),
        ({"message": "clicked", "days": 30, "template": 3}, True),
        ({"message": "clicked", "days": 30, "template": 4}, False),
        ({"message": "clicked", "days": 30, "topic": 4}, True),
        ({"message": "opened", "days": 90}, False),
    ],
)
def test_a_condition_is_true_or_false(condition: dict[str, Any], is_true: bool) -> None:
    assert matches(condition, ANN, VIEW) is is_true
    assert matches({"not": condition}, ANN, VIEW) is not is_true


def test_nothing_is_true_of_a_user_without_data() -> None:
    nobody = Person(User("nobody"))
    for condition in ({"tag": "vip"}, {"event": "order"}, {"message": "sent", "days": 90}):
        assert not matches(condition, nobody, VIEW)


# -- against a naive evaluator, which knows sets of people only

PEOPLE = {
    f"{tags}{points}": Person(User("u", tags={"shop": tuple(tags)}, attributes={"points": points}))
    for tags in ("", "a", "b", "ab")
    for points in (1, 5, 9)
}
Selects = Callable[[str], bool]
LEAVES: list[tuple[dict[str, Any], Selects]] = [
    ({"tag": "a"}, lambda name: "a" in name),
    ({"tag": "b"}, lambda name: "b" in name),
    ({"attribute": "points", "is": "more", "value": 4}, lambda name: int(name[-1]) > 4),
    ({"attribute": "points", "is": "less", "value": 5}, lambda name: int(name[-1]) < 5),
    ({"attribute": "points", "is": "at_most", "value": 5}, lambda name: int(name[-1]) <= 5),
    ({"attribute": "points", "is": "equals", "value": 5}, lambda name: int(name[-1]) == 5),
    ({"attribute": "points", "is": "equals", "value": 9}, lambda name: int(name[-1]) == 9),
]
Both = tuple[dict[str, Any], frozenset[str]]
EVERYBODY = frozenset(PEOPLE)


def _chosen(selects: Selects) -> frozenset[str]:
    return frozenset(filter(selects, PEOPLE))


def _joined(parts: list[Both]) -> list[Both]:
    rules, sets = [rule for rule, _ in parts], [of for _, of in parts]
    return [
        ({"all": rules}, EVERYBODY.intersection(*sets)),
        ({"any": rules}, frozenset().union(*sets)),
    ]


def _deeper(inner: st.SearchStrategy[Both]) -> st.SearchStrategy[Both]:
    joined = st.lists(inner, min_size=1, max_size=4).map(_joined).flatmap(st.sampled_from)
    return joined | inner.map(lambda both: ({"not": both[0]}, EVERYBODY - both[1]))


RULES: st.SearchStrategy[Both] = st.recursive(
    st.sampled_from([(rule, _chosen(selects)) for rule, selects in LEAVES]), _deeper, max_leaves=12
)


@given(RULES)
def test_any_rule_selects_whom_sets_select(both: Both) -> None:
    rule, expected = both
    assert {name for name in PEOPLE if matches(rule, PEOPLE[name], VIEW)} == expected


@given(st.lists(RULES, min_size=1, max_size=4))
def test_nobody_is_in_a_segment_whose_conditions_contradict_each_other(parts: list[Both]) -> None:
    rule = {"all": [rule for rule, _ in parts]}
    at_top = [pair for pair in contradictions(rule) if pair[0].count(".") == 1]
    if at_top:
        assert not any(matches(rule, person, VIEW) for person in PEOPLE.values())


def points(comparison: str, value: Any) -> dict[str, Any]:
    return {"attribute": "points", "is": comparison, "value": value}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"tag": "a"}, {"not": {"tag": "a"}}),
        (points("equals", 5), points("equals", 6)),
        (points("equals", 5), points("more", 5)),
        (points("equals", "gold"), points("less", 5)),
        (points("more", 5), points("less", 5)),
        (points("more", 5), points("at_most", 5)),
        (points("at_least", 5), points("at_most", 4)),
        (points("after", "2026-01-02"), points("before", "2026-01-02")),
    ],
)
def test_conditions_that_never_hold_together_are_found(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    for rule in ({"all": [first, second]}, {"all": [second, {"all": [first]}]}):
        assert list(contradictions(rule))
        assert list(contradictions({"any": [{"tag": "x"}, {"not": rule}]}))
    assert not list(contradictions({"any": [first, second]}))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (points("equals", 5), points("at_least", 5)),
        (points("equals", 5), points("equals", "5.0")),
        (points("equals", 1), points("equals", "true")),
        (points("at_least", 5), points("at_most", 5)),
        (points("more", 5), {"attribute": "age", "is": "less", "value": 5}),
        (points("contains", "a"), points("contains", "b")),
    ],
)
def test_conditions_that_may_hold_together_are_not_contradictions(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    assert not list(contradictions({"all": [first, second]}))


def test_the_parts_of_a_rule_have_paths() -> None:
    rule = {
        "all": [
            {"any": [{"consent": "marketing"}, {"tag": "a"}]},
            {"not": {"event": "order", "at_least": 2, "days": 7}},
            {"event": "login", "days": 7},
            {"message": "sent", "days": 12},
        ]
    }
    assert [path for path, _ in conditions(rule)] == [
        "rule.all[0].any[0]",
        "rule.all[0].any[1]",
        "rule.all[1].not",
        "rule.all[2]",
        "rule.all[3]",
    ]
    assert (purposes(rule), logged_events(rule), days_of_messages(rule)) == (
        ("marketing",),
        ("order",),
        12,
    )


def test_levels_are_counted() -> None:
    assert levels({"tag": "a"}) == 1
    assert levels({"all": [{"tag": "a"}, {"not": {"any": [{"tag": "b"}]}}]}) == 4
