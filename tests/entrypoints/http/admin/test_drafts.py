"""Drafts of messages: sealed, of one member, sent once."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.domain import drafts
from chalicelib.domain.drafts import DRAFTS
from chalicelib.domain.members import Role
from tests.entrypoints.conftest import KEY, Api, message
from tests.entrypoints.http.admin.management import change
from tests.entrypoints.http.admin.test_members import a_member

PHONE = "13800001111"


def new(api: Api, **changes: Any) -> Any:
    body = {"channel_key": KEY, "name": "Sale", "message": message(rule_id=0), **changes}
    return api.admin("POST", "drafts", body)


def test_a_draft_may_lack_anything_and_is_kept_as_it_was_written(configured: Api) -> None:
    for body in ({}, {"template_id": 1}, {"aud_sms": [{"data": [PHONE]}], "nonsense": [1.5, None]}):
        made = new(configured, message=body, broadcast=True)
        assert made.status == 201
        draft = configured.admin("GET", f"drafts/{made.json['id']}")
        assert (draft.json["message"], draft.json["broadcast"]) == (body, True)
        assert draft.headers["ETag"] == '"1"'
    stored = configured.fake.records.of(DRAFTS).list("operator")
    assert not any(PHONE.encode() in draft.sealed for draft in stored)


def test_drafts_are_listed_changed_and_deleted(configured: Api) -> None:
    first = new(configured).json
    configured.fake.clock.advance(1)
    second = new(configured, name="").json
    listed = configured.admin("GET", f"drafts?channel_key={KEY}").json["drafts"]
    assert [draft["id"] for draft in listed] == [second["id"], first["id"]]
    assert "message" not in listed[0]
    path = f"drafts/{first['id']}"
    body = {"name": "New", "message": {"template_id": 2}}
    assert change(configured, path, body, "PUT", 7).status == 412
    changed = change(configured, path, body, "PUT", 1)
    assert (changed.json["name"], changed.json["version"]) == ("New", 2)
    assert configured.admin("GET", path).json["message"] == {"template_id": 2}
    assert configured.admin("DELETE", path).status == 204
    assert configured.admin("GET", path).status == 404
    assert configured.admin("GET", "drafts?channel_key=nobody").status == 404


def test_nobody_sees_the_draft_of_somebody_else(configured: Api) -> None:
    id = new(configured).json["id"]
    _, other = a_member(configured, Role.OPERATOR.value)
    for method, path in (("GET", id), ("DELETE", id), ("POST", f"{id}/send")):
        assert configured.admin(method, f"drafts/{path}", auth=other).status == 404
    assert configured.admin("GET", f"drafts?channel_key={KEY}", auth=other).json["drafts"] == []
    _, reader = a_member(configured, Role.READ_ONLY.value)
    body = {"channel_key": KEY, "message": {}}
    assert configured.admin("POST", "drafts", body, auth=reader).status == 403


def test_a_draft_is_sent_once_and_gone_then(configured: Api) -> None:
    id = new(configured).json["id"]
    sent = configured.admin("POST", f"drafts/{id}/send")
    assert (sent.status, sent.json["state"]) == (201, "sent")
    (stored,) = configured.fake.messages.stored.values()
    assert (stored.msgid, stored.origin) == (sent.json["msgid"], "console")
    assert configured.admin("POST", f"drafts/{id}/send").status == 404


def test_a_draft_whose_deletion_got_lost_is_not_sent_twice(configured: Api) -> None:
    id = new(configured).json["id"]
    drafts = configured.fake.records.of(DRAFTS).stored
    draft = drafts[id]
    first = configured.admin("POST", f"drafts/{id}/send").json["msgid"]
    drafts[id] = draft
    assert configured.admin("POST", f"drafts/{id}/send").json["msgid"] == first
    assert len(configured.fake.messages.stored) == 1


def test_what_cannot_be_sent_stays_a_draft(configured: Api) -> None:
    id = new(configured, message={"template_id": 1}).json["id"]
    assert configured.admin("POST", f"drafts/{id}/send").status == 400
    assert configured.admin("GET", f"drafts/{id}").status == 200


def test_drafts_have_bounds(configured: Api) -> None:
    assert new(configured, message={"x": "y" * drafts.MAX_BODY}).status == 400
    for _ in range(drafts.MAX_DRAFTS):
        assert new(configured).status == 201
    assert new(configured).status == 400


def test_the_drafts_of_a_member_who_is_gone_are_gone(configured: Api) -> None:
    key, auth = a_member(configured, Role.OPERATOR.value)
    body = {"channel_key": KEY, "message": {}}
    assert configured.admin("POST", "drafts", body, auth=auth).status == 201
    assert configured.admin("DELETE", f"members/{key}").status == 204
    assert configured.fake.records.of(DRAFTS).list(key) == []


def test_a_draft_keeps_the_literals_of_its_numbers(configured: Api) -> None:
    body = message(rule_id=0, template_para={"name": 0})
    raw = json.dumps({"channel_key": KEY, "message": body}).replace('"name": 0', '"name": 100.00')
    made = configured.admin("POST", "drafts", raw=raw.encode()).json
    assert made["message"]["template_para"] == {"name": "100.00"}
    again = raw.replace(f'"channel_key": "{KEY}", ', "").replace("100.00", "1.50").encode()
    path = f"drafts/{made['id']}"
    changed = configured.admin("PUT", path, raw=again, headers={"If-Match": '"1"'})
    assert changed.json["message"]["template_para"] == {"name": "1.50"}
    assert configured.admin("POST", f"{path}/send").status == 201
    (stored,) = configured.fake.messages.stored.values()
    assert "Hello 1.50" in str(stored.contents)
