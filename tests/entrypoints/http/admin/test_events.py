"""Events of users in the management API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.entrypoints.conftest import Api
from tests.entrypoints.http.admin.management import problem
from tests.fakes.clock import START

ORDER = {"userid": "ann", "name": "order", "time": START - 5, "properties": {"amount": 12.5}}


def kept(api: Api, userid: str, name: str) -> list[Any]:
    return list(api.admin("GET", f"users/{userid}/events/{name}").json["events"])


def test_events_are_recorded_in_batches_and_one_by_one(api: Api) -> None:
    body = {"events": [ORDER, {**ORDER, "userid": "bob"}, {"userid": "ann", "name": "登录"}]}
    assert api.admin("POST", "events", body).json == {"recorded": 3, "refused": []}
    one = {"name": "order", "properties": {"amount": 3}}
    assert api.admin("POST", "users/ann/events", one).json == {"recorded": 1, "refused": []}
    assert api.admin("GET", "users/ann").json["events"] == {
        "order": {"count": 2, "last": START},
        "登录": {"count": 1, "last": START},
    }
    assert kept(api, "ann", "order") == [
        {"time": START, "properties": {"amount": 3}},
        {"time": START - 5, "properties": {"amount": 12.5}},
    ]
    assert api.admin("GET", "users/ann/events/refund").status == 404
    assert api.admin("GET", "users/nobody/events/order").status == 404


def test_an_event_with_an_id_is_recorded_once(api: Api) -> None:
    for _ in range(2):
        api.admin("POST", "events", {"events": [{**ORDER, "id": "1"}, {**ORDER, "id": "2"}]})
    assert api.admin("GET", "users/ann").json["events"]["order"]["count"] == 2
    assert len(kept(api, "ann", "order")) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "a b"},
        {"time": -1},
        {"id": "é"},
        {"properties": {"a": {"b": 1}}},
        {"properties": {"a": "x" * 1025}},
        {"properties": {f"p{n}": "x" * 900 for n in range(5)}},
        {"userid": "a b"},
        {"surplus": 1},
    ],
)
def test_a_wrong_event_is_refused(api: Api, wrong: dict[str, Any]) -> None:
    problem(api, "POST", "events", {"events": [{**ORDER, **wrong}]})
    if "userid" not in wrong:
        one = {name: value for name, value in ORDER.items() if name != "userid"}
        problem(api, "POST", "users/ann/events", {**one, **wrong})
    assert "ann" not in api.fake.users.stored


def test_a_user_has_a_limited_number_of_kinds_of_events(api: Api) -> None:
    for start in (0, 100):
        events = [{"userid": "ann", "name": f"e{n}"} for n in range(start, start + 100)]
        assert api.admin("POST", "events", {"events": events}).json["recorded"] == 100
    refused = api.admin("POST", "events", {"events": [{"userid": "ann", "name": "more"}]}).json
    assert refused["recorded"] == 0
    assert "200 kinds" in refused["refused"][0]["reason"]
    problem(api, "POST", "users/ann/events", {"name": "more"}, field="userid")
    problem(api, "POST", "users/a%20b/events", {"name": "more"}, field="userid")


def test_old_and_surplus_events_are_counted_and_not_kept(api: Api) -> None:
    old = {**ORDER, "time": START - 91 * 86_400_000}
    api.admin("POST", "events", {"events": [old]})
    assert kept(api, "ann", "order") == []
    for _ in range(2):
        api.admin("POST", "events", {"events": [ORDER] * 60})
    assert len(kept(api, "ann", "order")) == 100
    assert api.admin("GET", "users/ann").json["events"]["order"]["count"] == 121


def test_an_event_of_a_time_that_has_not_come_happened_now_and_goes_as_others(api: Api) -> None:
    for time in (START + 86_400_000, 10**14 - 1):  # tomorrow, and the most that is taken
        api.admin("POST", "events", {"events": [{**ORDER, "time": time}]})
    assert [each["time"] for each in kept(api, "ann", "order")] == [START, START]
    assert api.admin("GET", "users/ann").json["events"]["order"]["last"] == START
    api.fake.clock.advance(91 * 86_400)
    api.admin("POST", "events", {"events": [{"userid": "ann", "name": "order"}]})
    assert len(kept(api, "ann", "order")) == 1
