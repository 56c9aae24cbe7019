"""The quota of broadcasts by the management API."""

from __future__ import annotations

from tests.entrypoints.conftest import KEY, Api, message
from tests.entrypoints.http.admin.management import change, problem

PATH = f"broadcast-quota/{KEY}"


def broadcast(api: Api) -> int:
    body = {name: value for name, value in message().items() if not name.startswith("aud_")}
    return api.send(body, path="/v1/template/broadcast").code


def test_a_quota_is_set_used_up_and_switched_off(configured: Api) -> None:
    off = configured.admin("GET", PATH).json
    assert (off["per_day"], off["used"]) == (None, 0)
    assert change(configured, PATH, {"per_day": 1}, "PUT").json["per_day"] == 1
    assert [broadcast(configured), broadcast(configured)] == [0, 1015029]
    shown = configured.admin("GET", PATH).json
    assert (shown["used"], shown["date"]) == (1, "2027-01-15")
    assert shown["ends"] > configured.fake.clock.now()
    assert configured.admin("DELETE", PATH).status == 204
    assert broadcast(configured) == 0


def test_a_quota_begins_from_the_version_that_was_read(configured: Api) -> None:
    problem(configured, "PUT", PATH, {"per_day": 1}, status=428)
    problem(configured, "PUT", PATH, {"per_day": 1}, status=412, headers={"If-Match": '"99"'})
