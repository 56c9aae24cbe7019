"""Own rates of people by the management API."""

from __future__ import annotations

from tests.entrypoints.conftest import KEY, Api, message
from tests.entrypoints.http.admin.management import change, problem

PATH = f"choice/{KEY}"


def is_rated(api: Api) -> bool:
    msgid = api.send(message()).json["msgid"]
    return api.fake.messages.stored[msgid].rated


def test_own_rates_are_switched_on_and_off(configured: Api) -> None:
    assert configured.admin("GET", PATH).json["own_rates"] is False
    assert not is_rated(configured)
    assert change(configured, PATH, {"own_rates": True}, "PUT").json["own_rates"] is True
    assert is_rated(configured)
    assert change(configured, PATH, {"own_rates": False}, "PUT").json["own_rates"] is False
    change(configured, PATH, {"own_rates": True}, "PUT")
    assert configured.admin("DELETE", PATH).status == 204
    assert not is_rated(configured)


def test_the_switch_is_changed_from_the_version_that_was_read(configured: Api) -> None:
    problem(configured, "PUT", PATH, {"own_rates": True}, status=428)
    problem(configured, "PUT", PATH, {"own_rates": 1}, field="own_rates")
    stale = {"If-Match": '"99"'}
    problem(configured, "PUT", PATH, {"own_rates": True}, status=412, headers=stale)
