"""Strategies: steps and conditions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.entrypoints.conftest import (
    KEY,
    Api,
)
from tests.entrypoints.http.admin.management import problem


def test_a_strategys_short_condition_means_every_channel_of_the_step_before(
    configured: Api,
) -> None:
    short = {"missing": "clicked", "within": 60}
    body = {
        "channel_key": KEY,
        "name": "s",
        "steps": [{"channels": ["app", "sms"]}, {"channels": ["email"], "condition": short}],
    }
    made = configured.admin("POST", "strategies", body)
    terms = [{"channel": "app", **short}, {"channel": "sms", **short}]
    assert made.status == 201
    assert made.json["rule_id"] == 2
    assert made.json["steps"] == [
        {"channels": ["app", "sms"]},
        {"channels": ["email"], "condition": {"operator": "and", "terms": terms}},
    ]
    assert made.json in configured.admin("GET", f"strategies?channel_key={KEY}").json["strategies"]
    long = {
        **body,
        "steps": [
            body["steps"][0],
            {"channels": ["email"], "condition": {"operator": "or", "terms": terms}},
        ],
    }
    assert configured.admin("POST", "strategies", long).json["steps"][1]["condition"] == {
        "operator": "or",
        "terms": terms,
    }


FIRST = {"channels": ["app"]}


TERM = {"channel": "app", "missing": "delivered", "within": 300}


def test_a_strategy_may_have_one_step(configured: Api) -> None:
    """UMS's own samples have such: its channels at once, and nothing after."""
    made = configured.admin(
        "POST",
        "strategies",
        {"channel_key": KEY, "name": "SMS only", "steps": [{"channels": ["sms"]}]},
    )
    assert (made.status, made.json["valid"]) == (201, True)
    body = {
        "aud_userid": ["user1"],
        "msg_sms": [{"sign_id": 1, "temp_id": 1}],
        "rule_id": made.json["rule_id"],
    }
    assert configured.send(body, path="/v1/sent").code == 0


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([], "steps"),
        ("x", "steps"),
        ([FIRST, {"channels": ["sms"]}], "steps[1].condition"),
        ([FIRST, {"channels": ["app"], "condition": {"terms": [TERM]}}], "steps[1].channels"),
        ([FIRST, {"channels": [], "condition": {"terms": [TERM]}}], "steps[1].channels"),
        ([FIRST, {"channels": ["fax"], "condition": {"terms": [TERM]}}], "steps[1].channels[0]"),
        ([FIRST, {"channels": ["sms"], "condition": {"terms": []}}], "steps[1].condition.terms"),
        ([FIRST, {"channels": ["sms"], "condition": {}}], "steps[1].condition"),
        (
            [FIRST, {"channels": ["sms"], "condition": {"missing": "delivered"}}],
            "steps[1].condition",
        ),
        (
            [FIRST, {"channels": ["sms"], "condition": {"missing": "delivered", "within": 0}}],
            "steps[1].condition",
        ),
        (
            [FIRST, {"channels": ["sms"], "condition": {"missing": "delivered", "within": 604801}}],
            "steps[1].condition",
        ),
        (
            [FIRST, {"channels": ["sms"], "condition": {"missing": "seen", "within": 5}}],
            "steps[1].condition.missing",
        ),
        (
            [FIRST, {"channels": ["sms"], "condition": {"missing": "delivered", "within": "5"}}],
            "steps[1].condition.within",
        ),
        (
            [
                FIRST,
                {
                    "channels": ["sms"],
                    "condition": {"terms": [TERM], "missing": "delivered", "within": 5},
                },
            ],
            "steps[1].condition",
        ),
        (
            [FIRST, {"channels": ["sms"], "condition": {"operator": "xor", "terms": [TERM]}}],
            "steps[1].condition.operator",
        ),
        (
            [FIRST, {"channels": ["sms"], "condition": {"terms": [{**TERM, "channel": "email"}]}}],
            "steps[1].condition",
        ),
        (
            [
                {**FIRST, "condition": {"terms": [TERM]}},
                {"channels": ["sms"], "condition": {"terms": [TERM]}},
            ],
            "steps[0].condition",
        ),
        ([FIRST, {"channels": ["sms"], "after": 5}], "steps[1].after"),
    ],
)
def test_a_wrong_strategy_is_refused_with_the_field(
    configured: Api, steps: Any, field: str
) -> None:
    problem(
        configured,
        "POST",
        "strategies",
        {"channel_key": KEY, "name": "s", "steps": steps},
        field=field,
    )
