"""The retention of messages by the management API."""

from __future__ import annotations

import pytest

from chalicelib.domain.members import MEMBERS, Member, Role
from tests.entrypoints.conftest import KEY, Api, message, sha256
from tests.entrypoints.http.admin.management import change, problem

PATH = f"retention/{KEY}"


def test_the_days_of_an_access_channel_are_set_and_reset(configured: Api) -> None:
    assert configured.admin("GET", PATH).json["is_default"] is True
    shown = change(configured, PATH, {"days": 60}, "PUT").json
    assert (shown["days"], shown["is_default"]) == (60, False)
    msgid = configured.send(message()).json["msgid"]
    kept = configured.fake.messages.stored[msgid]
    assert kept.expires - kept.accepted // 1000 - kept.strategy.length == 60 * 86400
    assert configured.admin("DELETE", PATH).status == 204
    assert configured.admin("GET", PATH).json["days"] == 7


def test_a_record_is_deleted_when_its_message_is_over(configured: Api) -> None:
    msgid = configured.send(message(aud_userid=["nobody", "noone"])).json["msgid"]
    path = f"messages/{msgid}"
    assert configured.admin("GET", path).json["status"] == "finished"
    assert configured.admin("DELETE", path).status == 204
    for method in ("GET", "DELETE"):
        problem(configured, method, path, status=404)
    problem(configured, "GET", f"{path}/targets/nobody", status=404)
    assert msgid not in str(configured.admin("GET", f"messages?channel_key={KEY}").json)
    changes = configured.admin("GET", "audit").json["changes"]
    assert ("DELETE", {"msgid": msgid}) in [(c["method"], c["ids"]) for c in changes]


def test_a_message_that_is_being_sent_is_not_deleted(configured: Api) -> None:
    msgid = configured.send(message(aud_userid=["ann"])).json["msgid"]
    assert configured.admin("GET", f"messages/{msgid}").json["status"] == "accepted"
    problem(configured, "DELETE", f"messages/{msgid}", status=409)
    assert configured.admin("GET", f"messages/{msgid}").status == 200


@pytest.mark.parametrize("role", [Role.READ_ONLY])
def test_a_reader_deletes_nothing(configured: Api, role: Role) -> None:
    reader = Member("reader-of-the-shop", "r", role, sha256("secret"))
    configured.fake.records.of(MEMBERS).put(reader)
    msgid = configured.send(message(aud_userid=["nobody"])).json["msgid"]
    problem(configured, "DELETE", f"messages/{msgid}", status=403, auth="reader-of-the-shop:secret")
