"""Attributes and events of users in Operation Growth's interface."""

from __future__ import annotations

from datetime import UTC, date

import pytest

from chalicelib.domain.comparisons import ComparisonKind, Today, holds
from chalicelib.domain.rules import personal
from tests.entrypoints.conftest import KEY, SENDER, Api
from tests.fakes.clock import START as NOW


def test_attributes_are_kept_and_taken_away(growth: Api) -> None:
    path = "/smartop/api/v1/user/attribute"
    data = {
        "level": 3,
        "is_vip": 1,
        "born": "1990-01-01 00:00:00",
        "城市": "深圳",
        "tags": ["a", "b"],
    }
    assert growth("PUT", path, {"cuid": 555, "data": data}, auth=SENDER).json == {
        "code": 0,
        "msg": "ok",
    }
    assert (
        growth("PUT", path, {"cuid": 555, "data": {"level": 4, "is_vip": None}}, auth=SENDER).json[
            "code"
        ]
        == 0
    )
    assert growth.fake.users.stored["555"].attributes == {
        "level": 4,
        "born": "1990-01-01 00:00:00",
        "城市": "深圳",
        "tags": ["a", "b"],
    }
    many = {f"a{n}": n for n in range(101)}
    for bad in (
        {"cuid": 1},
        {"cuid": 1, "data": {}},
        {"cuid": 1, "data": many},
        {"cuid": 1, "data": {"a b": 1}},
        {"cuid": 1, "data": {"a": {}}},
    ):
        assert growth("PUT", path, bad, auth=SENDER).json["code"] == 40002


@pytest.mark.parametrize(
    ("limits", "may"),
    [
        ({"restricted": True}, False),
        ({"changes_all": False}, False),
        ({"restricted": True, "changes_all": True}, True),
    ],
)
def test_attributes_belong_to_everybody_who_sends(
    growth: Api, limits: dict[str, bool], may: bool
) -> None:
    path, any_version = f"access-channels/{KEY}", {"If-Match": "*"}
    assert growth.admin("PATCH", path, limits, headers=any_version).status == 200
    body = {"cuid": 103629, "data": {"city": "深圳"}}
    reply = growth("PUT", "/smartop/api/v1/user/attribute", body, auth=SENDER)
    assert (reply.status, reply.json["code"]) == (200, 0 if may else 40002)
    assert bool(growth.fake.users.stored["103629"].attributes) is may


def test_a_decimal_that_people_may_read_stays_as_it_was_written(growth: Api) -> None:
    """Comparisons read it as the number that it is."""
    raw = b'{"cuid": 555, "data": {"balance": 100.00, "rate": 0.5, "many": [1.50, 2], "big": 1E+3}}'
    reply = growth("PUT", "/smartop/api/v1/user/attribute", raw=raw, auth=SENDER)
    assert reply.json["code"] == 0
    stored = growth.fake.users.stored["555"].attributes
    assert stored == {"balance": "100.00", "rate": 0.5, "many": ["1.50", 2], "big": 1000.0}
    assert personal.values_of(stored, ["balance"]) == {"balance": "100.00"}
    assert holds(ComparisonKind.EQUALS, stored["balance"], 100, Today(date.min, UTC))
    assert holds(ComparisonKind.MORE, stored["balance"], 99.5, Today(date.min, UTC))


def test_events_are_counted_once_however_often_they_are_reported(growth: Api) -> None:
    path = "/smartop/api/v1/events/report"
    event = {
        "cuid": 555,
        "eventName": "order",
        "itime": 1700000000000,
        "randomId": "r1",
        "properties": {"price": 3.5, "paid": "true"},
    }
    body = {"appKey": KEY, "data": [event, {**event, "randomId": "r2", "itime": 1700000001000}]}
    for _ in range(2):
        assert growth("POST", path, body, auth=SENDER).json == {"code": 0, "msg": "ok"}
    assert growth.fake.users.stored["555"].events == {"order": (2, 1700000001000)}
    for bad in (
        {**body, "appKey": "other"},
        {**body, "data": []},
        {**body, "data": [event] * 101},
        {"data": [event]},
    ):
        assert growth("POST", path, bad, auth=SENDER).json["code"] == 40002
    for change in (
        {"eventName": ""},
        {"itime": "now"},
        {"randomId": [1]},
        {"properties": [1]},
        {"cuid": None},
    ):
        assert (
            growth("POST", path, {"appKey": KEY, "data": [{**event, **change}]}, auth=SENDER).json[
                "code"
            ]
            == 40002
        )


def test_a_user_has_200_kinds_of_events(growth: Api) -> None:
    def report(numbers: range) -> int:
        data = [{"cuid": 555, "eventName": f"e{n}", "itime": 1} for n in numbers]
        return int(
            growth(
                "POST", "/smartop/api/v1/events/report", {"appKey": KEY, "data": data}, auth=SENDER
            ).json["code"]
        )

    assert [
        report(range(100)),
        report(range(100, 200)),
        report(range(200, 201)),
        report(range(1)),
    ] == [0, 0, 4107, 0]
    assert len(growth.fake.users.stored["555"].events) == 200


def test_events_keep_their_properties(growth: Api) -> None:
    event = {"cuid": 555, "eventName": "order", "itime": NOW, "properties": {"price": 3.5}}
    path = "/smartop/api/v1/events/report"
    assert growth("POST", path, {"appKey": KEY, "data": [event]}, auth=SENDER).json["code"] == 0
    assert growth.fake.users.logs["555", "order"][0].properties == {"price": 3.5}
    large = {**event, "properties": {f"p{n}": "x" * 1000 for n in range(5)}}
    assert growth("POST", path, {"appKey": KEY, "data": [large]}, auth=SENDER).json["code"] == 40002


def test_null_is_as_left_out_of_an_event(growth: Api) -> None:
    nulls = {"randomId": None, "properties": None}
    event = {"cuid": 103629, "eventName": "order", "itime": NOW, **nulls}
    body = {"appKey": KEY, "data": [event, event]}
    reply = growth("POST", "/smartop/api/v1/events/report", body, auth=SENDER)
    assert reply.json == {"code": 0, "msg": "ok"}
    assert growth.fake.users.stored["103629"].events == {"order": (2, NOW)}
