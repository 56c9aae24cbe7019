"""The switch for interactions of users with messages."""

from __future__ import annotations

from tests.entrypoints.conftest import KEY, Api
from tests.entrypoints.http.admin.management import change


def test_interactions_are_switched_on_and_off(configured: Api) -> None:
    path = f"interactions/{KEY}"
    shown = configured.admin("GET", path)
    assert (shown.json["enabled"], shown.json["days"]) == (False, 90)
    assert configured.admin("PUT", path).status == 428
    on = change(configured, path, None, "PUT", shown.json["version"])
    assert (on.status, on.json["enabled"]) == (200, True)
    assert change(configured, path, None, "PUT", shown.json["version"]).status == 412
    assert configured.admin("DELETE", path).status == 204
    assert configured.admin("GET", path).json["enabled"] is False
    assert configured.admin("GET", "interactions/nobody").status == 404
