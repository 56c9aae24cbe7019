"""The budget of an access channel by the management API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.entrypoints.conftest import KEY, SENDER, Api, message
from tests.entrypoints.http.admin.management import change, problem

PATH = f"budget/{KEY}"


def test_a_budget_is_set_used_up_and_switched_off(configured: Api) -> None:
    off = configured.admin("GET", PATH).json
    assert (off["per_month"], off["used"], off["state"]) == (None, 0, "off")
    assert change(configured, "channels/sms1", {"price": 0.05}).status == 200
    made = change(configured, PATH, {"per_month": 0.05}, "PUT").json
    assert (made["per_month"], made["warn_at"], made["exempt"]) == (0.05, 0.8, [1])
    configured.users([{"userid": "user1", "phone": {"all": "18756432567"}}])
    lives = []
    for _ in range(2):
        msgid = configured.send(message(aud_userid=["user1"], rule_id=0)).json["msgid"]
        path = f"/v1/messages/{msgid}/targets/user1"
        lives.append(configured("GET", path, auth=SENDER).json)
    assert (lives[0]["loss"], lives[0]["refused"]) == (None, {})
    assert (lives[1]["loss"], lives[1]["refused"]) == ("over_budget", {"sms1": "over_budget"})
    assert lives[1]["why"]["zh"] == "渠道本月的预算已用完"
    shown = configured.admin("GET", PATH).json
    assert (shown["used"], shown["state"], shown["month"]) == (0.05, "used_up", "2027-01")
    assert configured.admin("DELETE", PATH).status == 204
    assert configured.admin("GET", PATH).json["state"] == "off"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "per_month"),
        ({"per_month": -1}, "per_month"),
        ({"per_month": 10**9 + 1}, "per_month"),
        ({"per_month": "1"}, "per_month"),
        ({"per_month": 1, "warn_at": 0}, "warn_at"),
        ({"per_month": 1, "warn_at": 1.1}, "warn_at"),
        ({"per_month": 1, "exempt": [4]}, "exempt"),
        ({"per_month": 1, "exempt": [1, 1, 2, 3]}, "exempt"),
    ],
)
def test_a_wrong_budget_is_refused_with_its_field(
    configured: Api, body: dict[str, Any], field: str
) -> None:
    answer = problem(configured, "PUT", PATH, body, headers={"If-Match": "*"})
    assert answer["errors"][0]["field"].startswith(field)


def test_a_budget_begins_from_the_version_that_was_read(configured: Api) -> None:
    problem(configured, "PUT", PATH, {"per_month": 1}, status=428)
    problem(configured, "PUT", PATH, {"per_month": 1}, status=412, headers={"If-Match": '"99"'})
    problem(configured, "GET", "budget/nobody", status=404)
