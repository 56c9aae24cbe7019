"""A message's body is given back as it was accepted, and can be sent again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.domain.members import Role
from tests.entrypoints.conftest import KEY, OTHER, SENDER, Api, message
from tests.entrypoints.http.admin.test_members import a_member

PHONE = "13800001111"
SMS: dict[str, Any] = {"msg_sms": [{"temp_id": 1, "temp_para": {"code": "10"}}]}


def body_of(api: Api, msgid: str) -> Any:
    answer = api("GET", f"/v1/messages/{msgid}/body", auth=SENDER)
    assert answer.status == 200, answer.json
    return answer.json


BODIES: list[tuple[str, dict[str, Any]]] = [
    ("/v1/template/sent", message(option={"sendno": "s-1", "priority": 1})),
    ("/v1/template/sent", message(aud_userid=[f"user{n}" for n in range(150)])),
    ("/v1/template/sent", message(aud_userid=..., aud_tag=["vip"], rule_id=0)),
    ("/v1/template/sent", message(aud_userid=["user1"], aud_segment=[7])),
    ("/v1/sent", {"aud_sms": [{"data": [PHONE, "13800002222"]}], **SMS}),
    ("/v1/sent", {"aud_sms": [{"data": [f"1380000{n:04d}" for n in range(150)]}], **SMS}),
    ("/v1/template/broadcast", message(aud_userid=..., rule_id=0)),
    ("/v1/sent", {"aud_userid": ["user1"], "msg_app": [{"alert": "x" * 9000, "platform": "all"}]}),
]


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_a_body_is_given_back_as_it_was_accepted_and_sends_the_same(
    configured: Api, path: str, body: dict[str, Any]
) -> None:
    sent = configured.send(body, path=path)
    assert sent.status == 200, sent.json
    shown = body_of(configured, sent.json["msgid"])
    assert shown["message"] == {"option": {}, **body}
    assert shown["broadcast"] == path.endswith("broadcast")
    configured.fake.clock.advance(1)
    again = configured.send(path=f"/v1/messages/{sent.json['msgid']}/again").json
    assert again["msgid"] != sent.json["msgid"]
    first, second = (configured.fake.messages.stored[each["msgid"]] for each in (sent.json, again))
    for name in ("contents", "userids", "audience", "rule_id", "priority", "written", "sendno"):
        assert getattr(first, name) == getattr(second, name), name
    assert body_of(configured, again["msgid"])["message"] == shown["message"]


def test_a_repeat_under_an_idempotency_key_sends_nothing_twice(configured: Api) -> None:
    msgid = configured.send(message()).json["msgid"]
    path, headers = f"/v1/messages/{msgid}/again", {"Idempotency-Key": "k-1"}
    first, second = (configured.send(path=path, headers=headers).json for _ in range(2))
    assert first == second
    assert len(configured.fake.messages.stored) == 2


def test_contents_are_those_that_went_to_the_delivery_channels(configured: Api) -> None:
    msgid = configured.send(message()).json["msgid"]
    contents = {each["code"]: each for each in body_of(configured, msgid)["contents"]}
    assert (contents["app1"]["channel"], contents["app1"]["element"]) == ("app", 1)
    assert contents["app1"]["content"]["alert"] == "Hello Li"
    assert contents["sms1"]["content"]["temp_para"] == {"name": "Li"}


def test_nobody_else_reads_a_body_or_sends_it(configured: Api) -> None:
    msgid = configured.send(message()).json["msgid"]
    for method, path in (("GET", "body"), ("POST", "again")):
        for id in (msgid, "0" * 16, "nothing"):
            answer = configured(method, f"/v1/messages/{id}/{path}", auth=OTHER)
            assert answer.status == 404


def test_members_see_contacts_masked_and_send_again_under_their_name(configured: Api) -> None:
    body = {"aud_sms": [{"data": [PHONE]}], **SMS, "option": {}}
    msgid = configured.send(body, path="/v1/sent").json["msgid"]
    shown = configured.admin("GET", f"messages/{msgid}/body").json
    assert shown["message"]["aud_sms"] == [{"data": ["138****1111"]}]
    assert PHONE not in json.dumps(shown)
    _, reader = a_member(configured, Role.READ_ONLY.value)
    assert configured.admin("POST", f"messages/{msgid}/body", auth=reader).status == 403
    assert configured.admin("POST", f"messages/{msgid}/body").json["message"] == body
    routes = [entry.route for entry in configured.fake.audit.stored.values()]
    assert routes.count("/admin/v1/messages/{msgid}/body") == 1
    for role, status in ((Role.READ_ONLY, 403), (Role.OPERATOR, 201)):
        access_key, auth = a_member(configured, role.value)
        answer = configured.admin("POST", f"messages/{msgid}/again", auth=auth)
        assert answer.status == status
    sent = configured.fake.messages.stored[answer.json["msgid"]]
    assert (sent.origin, sent.sender, sent.channel_key) == ("console", access_key, KEY)
    assert sent.userids == configured.fake.messages.stored[msgid].userids


def test_a_message_that_must_be_reviewed_is_reviewed_again(configured: Api) -> None:
    msgid = configured.send(message(option={"owner": "shop"})).json["msgid"]
    _, reviewer = a_member(configured, "reviewer")
    first = reviewer.partition(":")[0]
    rules = {
        "messages": {"levels": [[first]], "cases": [{"origin": "console"}]},
        "templates": {"levels": [[first]]},
    }
    path = f"access-channels/{KEY}/reviews"
    answer = configured.admin("PUT", path, rules, headers={"If-Match": "*"})
    assert answer.status == 200, answer.json
    again = configured.admin("POST", f"messages/{msgid}/again").json
    assert again["state"] == "in_review"


def test_a_message_that_keeps_no_body_cannot_be_sent_again(configured: Api) -> None:
    from tests.builders import a_message

    old = a_message("user1", channel_key=KEY)
    configured.fake.messages.has(old)
    assert body_of(configured, old.msgid)["message"] is None
    assert configured.send(path=f"/v1/messages/{old.msgid}/again").status == 404
