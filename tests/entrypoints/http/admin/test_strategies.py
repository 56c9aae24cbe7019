"""Strategies: steps and conditions."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.figures import DEPLOYMENT
from chalicelib.flow import days
from chalicelib.ports import Document
from tests.entrypoints.conftest import (
    JSMS,
    KEY,
    Api,
)
from tests.entrypoints.http.admin.management import change, problem


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


APPS = {"channels": ["app"]}
TEXTS = {"channels": ["sms"], "condition": {"missing": "delivered", "within": 300}}


def made(api: Api, *steps: Any) -> Any:
    reply = api.admin("POST", "strategies", {"channel_key": KEY, "name": "s", "steps": list(steps)})
    assert reply.status == 201, reply.body
    return reply.json


def when(channel: str, missing: str, within: int) -> dict[str, Any]:
    return {"terms": [{"channel": channel, "missing": missing, "within": within}]}


def test_a_good_strategy_has_no_warnings(configured: Api) -> None:
    assert made(configured, APPS, TEXTS)["warnings"] == []


def test_a_condition_may_name_a_channel_of_any_earlier_step(configured: Api) -> None:
    later = {"channels": ["email"], "condition": when("app", "clicked", 86_400)}
    answer = made(configured, APPS, TEXTS, later)
    assert answer["steps"][2]["condition"] == {"operator": "and", **later["condition"]}


@pytest.mark.parametrize("channel", ["wechatmp", "sms"])
def test_a_click_that_nobody_reports_cannot_be_a_condition(configured: Api, channel: str) -> None:
    """Mini programs report none on any platform. The links of this SMS channel are switched off."""
    off = {"credentials": JSMS["credentials"], "options": {"track_links": False}}
    assert change(configured, "channels/sms1", off).status == 200
    steps = [
        {"channels": [channel]},
        {"channels": ["app"], "condition": when(channel, "clicked", 600)},
    ]
    body = {"channel_key": KEY, "name": "s", "steps": steps}
    answer = problem(configured, "POST", "strategies", body, field="steps[1].condition")
    assert "reports clicks" in answer["detail"]
    rule = made(configured, APPS, TEXTS)["rule_id"]
    changed = {"name": "s", "steps": steps}
    problem(
        configured,
        "PUT",
        f"strategies/{rule}",
        changed,
        field="steps[1].condition",
        headers={"If-Match": "*"},
    )


@pytest.mark.parametrize(
    ("steps", "warning"),
    [
        (
            (APPS, {"channels": ["email"], "condition": when("app", "delivered", 600)}),
            "steps[1].channels: no delivery channel for email is authorised and enabled",
        ),
        (
            (APPS, {"channels": ["sms"], "condition": when("app", "delivered", 59)}),
            "steps[1].condition: most receipts of app take up to 60 s,"
            " so 59 s are too short for many people",
        ),
        (
            ({"channels": ["sms"]}, {"channels": ["app"], "condition": when("sms", "clicked", 60)}),
            # The SMS channel polls for its receipts.
            "steps[1].condition: most receipts of sms take up to 150 s,"
            " so 60 s are too short for many people",
        ),
        (
            (APPS, TEXTS, {"channels": ["email"], "condition": when("app", "clicked", 300)}),
            "steps[2].condition: is due no later than the step before, so both run together",
        ),
    ],
)
def test_what_is_probably_a_mistake_is_a_warning(configured: Api, steps: Any, warning: str) -> None:
    answer = made(configured, *steps)
    assert warning in answer["warnings"]
    shown = configured.admin("GET", f"strategies/{answer['rule_id']}").json
    assert shown["warnings"] == answer["warnings"]


def test_a_warning_goes_when_its_reason_goes(configured: Api) -> None:
    path = f"access-channels/{KEY}/channels/sms1"
    assert configured.admin("PUT", path, {"enabled": False}).status == 200
    answer = made(configured, APPS, TEXTS)
    assert answer["warnings"] == [
        "steps[1].channels: no delivery channel for sms is authorised and enabled"
    ]
    assert (answer["valid"], answer["closed"]) == (False, ["sms"])
    assert configured.admin("PUT", path, {"enabled": True}).status == 200
    assert configured.admin("GET", f"strategies/{answer['rule_id']}").json["warnings"] == []


def test_steps_are_estimated_by_own_rates_and_else_by_those_of_the_deployment(
    configured: Api,
) -> None:
    fake = configured.fake
    today = days.day_of(fake.ports.limits, fake.clock.now())
    for key, counts in (
        (KEY, {"channel|app|app1|submitted": 200, "channel|app|app1|delivered": 150}),
        (DEPLOYMENT, {"channel|sms|sms1|submitted": 100, "channel|sms|sms1|delivered": 90}),
    ):
        document = Document(days.day_key(key, today), 1, {"seen": 1, "counts": counts})
        assert fake.figures.store([document])
    steps = [
        {"channels": ["app"]},
        {"channels": ["sms"], "condition": {"missing": "delivered", "within": 60}},
        {"channels": ["email"], "condition": {"missing": "clicked", "within": 60}},
    ]
    body = {"channel_key": KEY, "steps": steps}
    answer = configured.admin("POST", "strategies/estimate", body).json
    assert [step["people"] for step in answer["steps"]] == [1000, 250, 250]
    assert [rate["of"] for rate in answer["rates"]] == ["access_channel", "deployment", None]
    assert answer["delivered"] is None
    for wrong, status in (
        ({**body, "channel_key": "nobody"}, 404),
        ({**body, "steps": []}, 400),
        ({**body, "steps": [steps[1]]}, 400),
    ):
        configured.fake.clock.advance(1)
        assert configured.admin("POST", "strategies/estimate", wrong).status == status


@pytest.mark.parametrize(("age", "is_warned"), [(29, True), (30, False)])
def test_receipts_of_the_last_30_days_say_how_long_they_take(
    configured: Api, age: int, is_warned: bool
) -> None:
    fake = configured.fake
    day = days.day_of(fake.limits, fake.clock.now()) - age
    counts = {"latency|app|app1|32": 60, "latency|app|app1|0": 60}  # 32 ends at 256 s
    key = days.day_key(DEPLOYMENT, day)
    assert fake.figures.store([Document(key, 1, {"seen": 1, "counts": counts})])
    short = {"channels": ["sms"], "condition": when("app", "delivered", 255)}
    answer = made(configured, APPS, short)
    assert answer["warnings"] == is_warned * [
        "steps[1].condition: most receipts of app take up to 256 s (measured in the last 30 days),"
        " so 255 s are too short for many people"
    ]
