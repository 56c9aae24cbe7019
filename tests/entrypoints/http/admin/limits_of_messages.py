"""Limits of templates and strategies."""

from __future__ import annotations

import json
from typing import Any

from tests.entrypoints.conftest import CONTENTS, KEY
from tests.entrypoints.http.admin.limits import Limit, posting, x

FIRST = {"channels": ["app"]}
THEN = {"channels": ["sms"], "condition": {"missing": "delivered", "within": 300}}
KINDS = [
    "app",
    "sms",
    "email",
    "wechatoa",
    "wechatmp",
    "alipay_life",
    "dingtalk_cc",
    "wechatwk",
    "wechatwk_linkedcorp",
]
TERM = {"channel": "app", "missing": "delivered", "within": 1}


def a_template(**changes: Any) -> Any:
    return {"channel_key": KEY, "name": "t", "contents": CONTENTS, **changes}


def a_strategy(**changes: Any) -> Any:
    return {"channel_key": KEY, "name": "s", "steps": [FIRST, THEN], **changes}


def of_bytes(n: int) -> Any:
    """Contents of so many bytes, as they are counted: Chinese has three for a character."""
    empty = len(json.dumps({"app": {"alert": ""}}).encode())
    text = "字" * ((n - empty) // 3)
    return {"app": {"alert": text + x(n - empty - 3 * len(text))}}


def steps_of(n: int) -> Any:
    return [
        {"channels": [kind], "condition": {"missing": "delivered", "within": 1}} if at else FIRST
        for at, kind in enumerate(KINDS[:n])
    ]


def with_terms(n: int) -> Any:
    return [FIRST, {"channels": ["sms"], "condition": {"operator": "or", "terms": [TERM] * n}}]


MESSAGES = [
    Limit(
        "name of a template", posting("templates", lambda n: a_template(name=x(n))), 1, 30, "name"
    ),
    Limit(
        "bytes of a template's contents",
        posting("templates", lambda n: a_template(contents=of_bytes(n))),
        None,
        100_000,
        "contents",
    ),
    Limit(
        "elements of a channel type",
        posting("templates", lambda n: a_template(contents={"app": [CONTENTS["app"]] * n})),
        1,
        10,
        "contents.app",
    ),
    Limit(
        "name of a variable",
        posting("templates", lambda n: a_template(contents={"app": {"alert": "{{" + x(n) + "}}"}})),
        1,
        64,
        "contents.app",
    ),
    Limit(
        "links of a template",
        posting("templates", lambda n: a_template(links=["name"] * n)),
        0,
        100,
        "links",
    ),
    Limit(
        "name of a strategy", posting("strategies", lambda n: a_strategy(name=x(n))), 1, 30, "name"
    ),
    Limit(
        "steps of a strategy",
        posting(
            "strategies",
            lambda n: a_strategy(steps=steps_of(n) if n < 10 else [*steps_of(9), FIRST]),
        ),
        None,
        9,
        "steps",
    ),  # the fewest: test_admin.py
    Limit(
        "terms of a condition",
        posting("strategies", lambda n: a_strategy(steps=with_terms(n))),
        1,
        20,
        "steps[1].condition.terms",
    ),
    Limit(
        "seconds of a condition",
        posting(
            "strategies",
            lambda n: a_strategy(
                steps=[FIRST, {**THEN, "condition": {"missing": "clicked", "within": n}}]
            ),
        ),
        1,
        604_800,
        "steps[1].condition",
    ),
]
