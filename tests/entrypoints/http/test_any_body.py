"""Any JSON body is taken or refused, and never answered with an error on our side."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.entrypoints.conftest import CONTENTS, JPUSH, KEY, OPERATOR, SENDER, Api
from tests.entrypoints.http.any_input import CONDITION, GOOD, check
from tests.profiles import examples

GROWTH: dict[str, Any] = {
    "channel/batch": [
        {"cuid": 1, "channels": [{"id": 1, "channelValues": {"默认联系": "x" * 20}}]}
    ],
    "attribute": {"cuid": 1, "data": {"level": 3, "tags": ["a"], "gone": None}},
}


CHANGED: dict[str, tuple[str, str, Any]] = {
    "access": (
        "PATCH",
        f"/admin/v1/access-channels/{KEY}",
        {"name": "n", "enabled": True, "restricted": False, "rate": 5},
    ),
    "channel": (
        "PATCH",
        "/admin/v1/channels/app1",
        {
            "name": "n",
            "credentials": JPUSH["credentials"],
            "options": {"base_url": "https://a.cn"},
            "on_uncertain": "resend",
            "receipts": "poll",
            "calls_per_second": 5,
            "deliveries_per_day": 7,
            "price": 0.5,
        },
    ),
    "label": ("PUT", "/admin/v1/channels/app1/labels/1", {"name": "Main"}),
    "default": ("PUT", "/admin/v1/channels/app1/default-label", {"label": "1"}),
    "template": (
        "PUT",
        "/admin/v1/templates/1",
        {"name": "t", "contents": CONTENTS, "links": ["name"]},
    ),
    "strategy": (
        "PUT",
        "/admin/v1/strategies/1",
        {
            "name": "s",
            "steps": [{"channels": ["app"]}, {"channels": ["sms"], "condition": CONDITION}],
        },
    ),
}


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=20),
    st.sampled_from(
        [
            "",
            "\x00",
            "\ud800",
            "all",
            "app",
            "sms",
            "{{name}}",
            "{{x}}",
            "{{",
            "http://",
            "x" * 5000,
            10**400,
            2**63,
            -1,
            1e308,
            KEY,
            "app1",
        ]
    ),
)


values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(each for name, part in inner for each in places(part, (*path, name)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


@st.composite
def near_misses(draw: Any) -> tuple[str, Any]:
    """A good body with something else, or something more, in one place."""
    name = draw(st.sampled_from(sorted(GOOD)))
    body = GOOD[name][2]
    path = draw(st.sampled_from(places(body)))
    new = draw(values)
    if draw(st.booleans()):
        old = body
        for part in path:
            old = old[part]
        if isinstance(old, dict):
            new = {**old, draw(st.text(max_size=8)): new}
        elif isinstance(old, list):
            new = [*old, new]
    return name, changed(body, path, new)


@examples(300)
@given(case=near_misses())
def test_no_json_body_is_our_fault(configured: Api, case: tuple[str, Any]) -> None:
    path, auth, _ = GOOD[case[0]]
    check(configured, configured("POST", path, auth=auth, raw=json.dumps(case[1]).encode()))


NASTY: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    2**62,
    "",
    "x",
    "\n",
    "x" * 300,
    "{{name}}",
    "{{a b}}",
    [],
    [[]],
    [None],
    ["x"],
    {},
    {"a": 1},
    {"x": {"y": [1]}},
    {"": ""},
]


@pytest.mark.parametrize("name", sorted(GOOD))
def test_no_place_of_a_body_takes_a_value_that_is_our_fault(configured: Api, name: str) -> None:
    path, auth, body = GOOD[name]
    for place in places(body):
        for value in NASTY:
            check(configured, configured("POST", path, changed(body, place, value), auth=auth))


@pytest.mark.parametrize("name", sorted(CHANGED))
def test_no_place_of_a_change_takes_a_value_that_is_our_fault(configured: Api, name: str) -> None:
    method, path, body = CHANGED[name]
    anyhow = {"If-Match": "*"}
    for place in places(body):
        for value in NASTY:
            check(
                configured,
                configured(
                    method, path, changed(body, place, value), auth=OPERATOR, headers=anyhow
                ),
            )
    assert configured(method, path, body, auth=OPERATOR, headers=anyhow).status == 200


@pytest.mark.parametrize("name", sorted(GROWTH))
def test_no_place_of_a_body_of_operation_growth_takes_a_value_that_is_our_fault(
    configured: Api, name: str
) -> None:
    for place in places(GROWTH[name]):
        for value in NASTY:
            body = changed(GROWTH[name], place, value)
            check(configured, configured("PUT", f"/smartop/api/v1/user/{name}", body, auth=SENDER))


@pytest.mark.parametrize("name", sorted(GOOD))
def test_the_bodies_that_are_varied_are_good_ones(configured: Api, name: str) -> None:
    path, auth, body = GOOD[name]
    assert configured("POST", path, body, auth=auth).status in (200, 201), configured(
        "POST", path, body, auth=auth
    ).body
