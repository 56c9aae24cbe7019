"""Access channels: credentials, rates, restrictions and authorisations."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.entrypoints.conftest import (
    KEY,
    OTHER_KEY,
    SECRET,
    Api,
    message,
    sha256,
)
from tests.entrypoints.http.admin.management import change, problem


def test_an_access_channel_shows_its_secret_once_and_can_send_with_it(configured: Api) -> None:
    made = configured.admin("POST", "access-channels", {"name": "  订单通知 "})
    assert made.status == 201
    key, secret = made.json["channel_key"], made.json["master_secret"]
    assert re.fullmatch("[0-9a-f]{24}", key)
    assert re.fullmatch("[0-9a-f]{32}", secret)  # 128 bits
    found = configured.admin("GET", f"access-channels/{key}")
    assert found.json == {
        "channel_key": key,
        "name": "订单通知",
        "enabled": True,
        "restricted": False,
        "changes_all": None,
        "rate": None,
        "channels": [],
        "version": 1,
    }
    assert key in [
        each["channel_key"]
        for each in configured.admin("GET", "access-channels").json["access_channels"]
    ]
    stored = configured.fake.settings.access_channel(key)
    assert stored is not None
    assert stored.secret_hashes == (sha256(secret),)
    assert configured.send(message(), auth=f"{key}:{secret}").code == 1015031


def test_authorisations_are_given_switched_and_taken_back(configured: Api) -> None:
    path = f"access-channels/{OTHER_KEY}/channels/app1"
    for enabled in (True, False):
        assert configured.admin("PUT", path, {"enabled": enabled}).json == {
            "channel_key": OTHER_KEY,
            "code": "app1",
            "enabled": enabled,
        }
        assert configured.admin("GET", f"access-channels/{OTHER_KEY}").json["channels"] == [
            {"code": "app1", "enabled": enabled}
        ]
    assert configured.admin("DELETE", path).status == 204
    assert configured.admin("GET", f"access-channels/{OTHER_KEY}").json["channels"] == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"enabled":1}',
        b'{"enabled":"true"}',
        b'{"enabled":true,"x":1}',
        b'{"enabled":NaN}',
    ],
)
def test_wrong_bodies_of_an_authorisation(configured: Api, raw: bytes) -> None:
    problem(configured, "PUT", f"access-channels/{KEY}/channels/app1", raw=raw)


def test_an_access_channel_is_renamed_closed_and_restricted(configured: Api) -> None:
    path = f"access-channels/{KEY}"
    assert (
        change(configured, path, {"name": "other name", "restricted": True, "rate": 5}).json["rate"]
        == 5
    )
    assert change(configured, path, {"rate": None, "name": None}).json["rate"] is None
    found = configured.admin("GET", path).json
    assert (found["name"], found["restricted"], [c["code"] for c in found["channels"]]) == (
        "other name",
        True,
        ["app1", "sms1"],
    )
    assert change(configured, path, {"enabled": False}).status == 200
    assert configured.send(message()).code == 1015005
    assert change(configured, path, {"enabled": True}).status == 200
    assert configured.send(message()).code == 0


@pytest.mark.parametrize("rate", [0, -1, 100_001, "5", True, 1.5])
def test_a_wrong_rate_is_refused(configured: Api, rate: Any) -> None:
    problem(
        configured,
        "PATCH",
        f"access-channels/{KEY}",
        {"rate": rate},
        field="rate",
        headers={"If-Match": "*"},
    )


def test_an_older_master_secret_works_until_its_grace_is_over(configured: Api) -> None:
    path = f"access-channels/{KEY}/secret"
    first = configured.admin("POST", path, {"grace": 60}).json
    assert first["old_until"] == configured.fake.clock.now() + 60_000
    for secret in (SECRET, first["master_secret"]):
        assert configured.send(message(), auth=f"{KEY}:{secret}").code == 0
    configured.fake.clock.advance(59.9)
    second = configured.admin("POST", path, {}).json["master_secret"]
    assert configured.send(message()).code == 0, (
        "a longer grace of a later secret lengthens no earlier one"
    )
    configured.fake.clock.advance(0.1)
    assert configured.send(message()).code == 4005
    assert configured.send(message(), auth=f"{KEY}:{first['master_secret']}").code == 0
    third = configured.admin("POST", path, {"grace": 0}).json["master_secret"]
    for secret in (SECRET, first["master_secret"], second):
        assert configured.send(message(), auth=f"{KEY}:{secret}").code == 4005
    assert configured.send(message(), auth=f"{KEY}:{third}").code == 0
    assert third not in repr(vars(configured.fake.settings))


@pytest.mark.parametrize(
    ("grace", "status"), [(0, 200), (30 * 86400, 200), (-1, 400), (30 * 86400 + 1, 400), ("1", 400)]
)
def test_the_limits_of_a_grace(api: Api, grace: Any, status: int) -> None:
    assert api.admin("POST", f"access-channels/{KEY}/secret", {"grace": grace}).status == status
