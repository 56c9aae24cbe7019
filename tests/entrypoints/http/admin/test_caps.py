"""Frequency caps of an access channel, and the topics that they may name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.entrypoints.conftest import KEY, SENDER, Api, message
from tests.entrypoints.http.admin.management import change, problem

CAPS = f"caps/{KEY}"

CAP = {"most": 1, "days": 1}


def a_topic(api: Api, **changes: Any) -> int:
    body = {"channel_key": KEY, "name": "Offers", **changes}
    made = api.admin("POST", "topics", body)
    assert made.status == 201, made.body
    number: int = made.json["topic"]
    return number


def put(api: Api, *caps: Any) -> Any:
    return change(api, CAPS, {"caps": caps}, "PUT")


def test_caps_are_shown_as_they_hold(configured: Api) -> None:
    assert configured.admin("GET", CAPS).json["caps"] == []
    topic = a_topic(configured)
    short = {"most": 3, "days": 7}
    long = {"most": 1, "hours": 12, "channel": "sms", "topic": topic, "exempt": [3, 1, 3]}
    reply = put(configured, short, long)
    assert reply.status == 200, reply.body
    assert reply.json["caps"] == [
        {"most": 3, "hours": 168, "channel": None, "topic": None, "exempt": [1]},
        {"most": 1, "hours": 12, "channel": "sms", "topic": topic, "exempt": [1, 3]},
    ]
    shown = configured.admin("GET", CAPS)
    assert shown.json == reply.json
    assert shown.headers["ETag"] == f'"{shown.json["version"]}"'
    assert configured.admin("DELETE", CAPS).status == 204
    assert configured.admin("GET", CAPS).json["caps"] == []


@pytest.mark.parametrize(
    ("cap", "field"),
    [
        ({"most": 0, "days": 1}, "caps[0].most"),
        ({"most": 101, "days": 1}, "caps[0].most"),
        ({"most": 1}, "caps[0]"),
        ({"most": 1, "days": 1, "hours": 1}, "caps[0]"),
        ({"most": 1, "days": 91}, "caps[0].days"),
        ({"most": 1, "hours": 2161}, "caps[0].hours"),
        ({"most": 1, "days": 1, "channel": "fax"}, "caps[0].channel"),
        ({"most": 1, "days": 1, "topic": 99}, "caps[0].topic"),
        ({"most": 1, "days": 1, "exempt": [0]}, "caps[0].exempt[0]"),
        ({"most": 1, "days": 1, "each": 1}, "caps[0].each"),
    ],
)
def test_a_wrong_cap_is_refused_with_its_field(configured: Api, cap: Any, field: str) -> None:
    problem(configured, "PUT", CAPS, {"caps": [cap]}, field=field, headers={"If-Match": "*"})


def test_there_are_ten_caps_at_most(configured: Api) -> None:
    cap = {"most": 1, "days": 1}
    assert put(configured, *[cap] * 10).status == 200
    body = {"caps": [cap] * 11}
    problem(configured, "PUT", CAPS, body, field="caps", headers={"If-Match": "*"})


def test_a_change_begins_from_the_version_that_was_read(configured: Api) -> None:
    version = configured.admin("GET", CAPS).json["version"]
    assert change(configured, CAPS, {"caps": [CAP]}, "PUT", version).status == 200
    assert change(configured, CAPS, {"caps": [CAP]}, "PUT", version).status == 412
    problem(configured, "PUT", CAPS, {"caps": [CAP]}, status=428)
    problem(configured, "GET", "caps/nobody", status=404)


def test_who_has_got_enough_is_lost_and_the_life_cycle_says_so(configured: Api) -> None:
    assert put(configured, {"most": 1, "days": 1}).status == 200
    configured.users([{"userid": "user1", "phone": {"all": "18756432567"}}])
    lives = []
    for _ in range(2):
        msgid = configured.send(message(aud_userid=["user1"])).json["msgid"]
        path = f"/v1/messages/{msgid}/targets/user1"
        lives.append(configured("GET", path, auth=SENDER).json)
    assert (lives[0]["loss"], lives[0]["refused"]) == (None, {})
    assert (lives[1]["loss"], lives[1]["refused"]) == ("capped", {"sms1": "capped"})
