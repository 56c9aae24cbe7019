"""Withdrawal of messages."""

from __future__ import annotations

import pytest

from tests.builders import a_user
from tests.entrypoints.conftest import OTHER, SENDER, Api
from tests.entrypoints.http.ums.sends import ordinary


def test_a_message_is_withdrawn_once(configured: Api) -> None:
    configured.fake.users.has(a_user("user1", text="13000000000"))
    msgid = configured.send(ordinary(), path="/v1/sent").json["msgid"]
    assert configured("POST", f"/v1/retract/{msgid}", auth=SENDER).json == {
        "code": 0,
        "message": "success",
        "withdrawal": {"stopped": 1, "recalled": 0, "failed": 0, "open": 0},
    }
    again = configured("POST", f"/v1/retract/{msgid}", auth=SENDER)
    assert (again.status, again.code) == (400, 1015055)
    assert "消息已经被撤回" in again.json["message"]
    assert configured("GET", f"/v1/messages/{msgid}", auth=SENDER).json["status"] == "withdrawn"


@pytest.mark.parametrize(
    "msgid",
    [
        "v:1t:1603707455p:27133n:2",
        "v%3A1t%3A1603707455p%3A27133n%3A2",
        "0" * 16,
        "x",
        "%00",
        "%ff",
        "%E5%BC%A0",
    ],
)
def test_a_message_of_nobody_is_not_there(configured: Api, msgid: str) -> None:
    reply = configured("POST", f"/v1/retract/{msgid}", auth=SENDER)
    assert (reply.status, reply.code) == (404, 4004)


def test_another_access_channel_cannot_withdraw(configured: Api) -> None:
    msgid = configured.send(ordinary(), path="/v1/sent").json["msgid"]
    assert configured("POST", f"/v1/retract/{msgid}", auth=OTHER).status == 404
    assert configured.world.messages.withdrawn(msgid) is None


@pytest.mark.parametrize(("hours", "code"), [(24, 0), (24.001, 1019031)])
def test_a_message_can_be_withdrawn_for_a_day(configured: Api, hours: float, code: int) -> None:
    msgid = configured.send(ordinary(), path="/v1/sent").json["msgid"]
    configured.fake.clock.advance(hours * 3600)
    assert configured("POST", f"/v1/retract/{msgid}", auth=SENDER).code == code
