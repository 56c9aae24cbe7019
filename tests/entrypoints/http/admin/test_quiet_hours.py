"""Quiet hours by the management API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.entrypoints.conftest import KEY, Api, message
from tests.entrypoints.http.admin.management import change, problem

PATH = f"quiet-hours/{KEY}"
ALWAYS = {"begin": "00:00", "end": "23:59", "time_zone": "Asia/Shanghai", "priorities": [2, 3]}
REFUSE = {"action": "refuse", "windows": [ALWAYS]}


def test_quiet_hours_are_set_shown_and_switched_off(configured: Api) -> None:
    off = configured.admin("GET", PATH)
    version = int(off.headers["ETag"].strip('"'))
    assert off.json == {"channel_key": KEY, "action": None, "windows": [], "version": version}
    made = change(configured, PATH, REFUSE, "PUT", version)
    assert made.json == {"channel_key": KEY, **REFUSE, "version": version + 1}
    problem(configured, "PUT", PATH, REFUSE, status=412, headers={"If-Match": f'"{version}"'})
    refused = configured.send(message())
    assert (refused.status, refused.code) == (400, 1015038)
    assert configured.send(message(option={"priority": 1})).code == 0
    assert configured.admin("DELETE", PATH).status == 204
    assert configured.send(message()).code == 0
    routes = [entry["route"] for entry in configured.admin("GET", "audit").json["changes"]]
    assert routes.count("/admin/v1/quiet-hours/{key}") == 2


def test_a_held_message_says_until_when(configured: Api) -> None:
    change(configured, PATH, {**REFUSE, "action": "hold"}, "PUT")
    msgid = configured.send(message()).json["msgid"]
    shown = configured.admin("GET", f"messages/{msgid}").json
    assert shown["hold_reason"] == "quiet_hours"
    assert shown["held_until"] > configured.fake.clock.now()
    assert (shown["status"], shown["progress"]["planned"]) == ("accepted", 0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"action": "wait"}, "action"),
        ({"windows": []}, "windows"),
        ({"windows": [{**ALWAYS, "begin": "24:00"}]}, "windows[0].begin"),
        ({"windows": [{**ALWAYS, "begin": "9:00"}]}, "windows[0].begin"),
        ({"windows": [{**ALWAYS, "end": "00:00"}]}, "windows[0].end"),
        ({"windows": [{**ALWAYS, "priorities": []}]}, "windows[0].priorities"),
        ({"windows": [{**ALWAYS, "priorities": [4]}]}, "windows[0].priorities[0]"),
        ({"windows": [ALWAYS, {**ALWAYS, "begin": "12:00", "end": "08:00"}]}, "windows"),
        *(
            ({"windows": [{**ALWAYS, "time_zone": zone}]}, "windows[0].time_zone")
            for zone in ("", "Asia", "Nowhere/City", "../../etc/passwd", "Asia/Shanghai ")
        ),
    ],
)
def test_wrong_quiet_hours_are_refused(
    configured: Api, changes: dict[str, Any], field: str
) -> None:
    body = {**REFUSE, **changes}
    problem(configured, "PUT", PATH, body, field=field, headers={"If-Match": "*"})


def test_quiet_hours_of_nobody_are_not_found(configured: Api) -> None:
    problem(configured, "GET", "quiet-hours/nobody", status=404)
    problem(configured, "DELETE", "quiet-hours/nobody", status=404)
