"""Prices of delivery channels, their history, and pauses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.entrypoints.conftest import JPUSH, JSMS, Api
from tests.entrypoints.http.admin.management import problem
from tests.fakes.clock import START


def test_prices_have_prefixes_and_a_history(api: Api) -> None:
    made = api.admin("POST", "channels", {**JSMS, "price": 0.045, "prefixes": {"+852": 0.3}}).json
    assert (made["price"], made["prefixes"]) == (0.045, {"+852": 0.3})
    assert api.admin("GET", "channels/sms1/prices").json == {"prices": [], "cursor": None}
    api.fake.clock.advance(60)
    change: dict[str, Any] = {"prefixes": {"+852": 0.28, "+86138": 0.04}}
    changed = api.admin("PATCH", "channels/sms1", change, headers={"If-Match": "*"}).json
    assert changed["prefixes"] == change["prefixes"]
    assert changed["priced_since"] == START + 60_000
    ended = {"since": START, "price": 0.045, "prefixes": {"+852": 0.3}}
    assert api.admin("GET", "channels/sms1/prices").json["prices"] == [ended]
    api.admin("PATCH", "channels/sms1", {"name": "other"}, headers={"If-Match": "*"})
    assert len(api.admin("GET", "channels/sms1/prices").json["prices"]) == 1
    assert api.admin("GET", "channels/none/prices").status == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": -1}, "price"),
        ({"price": 10**6 + 1}, "price"),
        ({"price": 0.0000001}, "price"),
        ({"price": "1"}, "price"),
        ({"prefixes": {"852": 1.0}}, "prefixes.852"),
        ({"prefixes": {"+0852": 1.0}}, "prefixes.+0852"),
        ({"prefixes": {"+8523456789012345": 1.0}}, "prefixes.+8523456789012345"),
        ({"prefixes": {"+852": -0.1}}, "prefixes.+852"),
        ({"prefixes": {f"+{n}": 1.0 for n in range(1000, 1501)}}, "prefixes"),
        ({"prefixes": []}, "prefixes"),
    ],
)
def test_wrong_prices_are_refused_with_the_field(
    api: Api, changes: dict[str, Any], field: str
) -> None:
    answer = problem(api, "POST", "channels", {**JSMS, **changes})
    assert answer["errors"][0]["field"].startswith(field)


def test_only_phone_numbers_have_prefixes(api: Api) -> None:
    problem(api, "POST", "channels", {**JPUSH, "prefixes": {"+852": 1.0}}, field="prefixes")


def test_an_operator_pauses_and_resumes_a_delivery_channel(configured: Api) -> None:
    paused = configured.admin("POST", "channels/app1/pause")
    assert (paused.status, paused.json["paused"]) == (200, True)
    again = configured.admin("POST", "channels/app1/pause").json
    assert again == paused.json
    resumed = configured.admin("POST", "channels/app1/resume").json
    assert (resumed["paused"], resumed["version"]) == (False, paused.json["version"] + 1)
    assert configured.admin("POST", "channels/none/pause").status == 404
