from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.entrypoints.conftest import OPERATOR, OTHER, SENDER, Api, message


def test_the_sender_sees_what_became_of_its_message(configured: Api) -> None:
    msgid = configured.send(message()).json["msgid"]
    answer = configured("GET", f"/v1/messages/{msgid}", auth=SENDER).json
    assert (answer["code"], answer["msgid"], answer["funnel"]["users"]["planned"]) == (0, msgid, 2)


def test_a_target_is_found_whatever_its_id_is_made_of(configured: Api) -> None:
    userid = "A_@!#$&*+=.|¥￥-z"
    msgid = configured.send(message(aud_userid=[userid])).json["msgid"]
    answer = configured(
        "GET", f"/v1/messages/{msgid}/targets/{quote(userid, safe='')}", auth=SENDER
    ).json
    assert (answer["code"], answer["target"]) == (0, userid)


def test_a_path_is_decoded_once(configured: Api) -> None:
    msgid = configured.send(message(aud_userid=["user#1"])).json["msgid"]
    assert configured("GET", f"/v1/messages/{msgid}/targets/user%231", auth=SENDER).code == 0
    assert configured("GET", f"/v1/messages/{msgid}/targets/user%25231", auth=SENDER).status == 404


@pytest.mark.parametrize("path", ["", "/targets/user1"])
def test_another_access_channel_finds_nothing(configured: Api, path: str) -> None:
    msgid = configured.send(message()).json["msgid"]
    mine = configured("GET", f"/v1/messages/{msgid}{path}", auth=SENDER)
    theirs = configured("GET", f"/v1/messages/{msgid}{path}", auth=OTHER)
    assert (mine.status, theirs.status, theirs.code) == (200, 404, 4004)


@pytest.mark.parametrize(
    "msgid", ["x", "0" * 16, "0" * 4000, "%00", "%FF%FE", "v%3A1t", "%2F", "zzzzzzzzzzzzzzzz", "＃"]
)
def test_what_is_no_message_is_not_found(configured: Api, msgid: str) -> None:
    for path in ("", "/targets/a", "/targets/%00", "/targets/%FF"):
        reply = configured("GET", f"/v1/messages/{quote(msgid, safe='%')}{path}", auth=SENDER)
        assert (reply.status, reply.code) == (404, 4004)


def test_a_target_is_found_by_the_registration_id_that_named_it(configured: Api) -> None:
    body = message(aud_userid=..., aud_sms=[{"data": ["13800000001", "13800000002"]}])
    msgid = configured.send(body).json["msgid"]
    found = [
        configured("POST", path, {"type": "sms", "contact": contact}, auth=auth).json
        for path, auth in (
            (f"/v1/messages/{msgid}/targets", SENDER),
            (f"/admin/v1/messages/{msgid}/targets", OPERATOR),
        )
        for contact in ("13800000001", " 13800000001 ", "13800000002")
    ]
    assert [each["code"] for each in found] == [0] * 6
    assert len({each["target"] for each in found}) == 2
    assert found[0] == found[1] == found[3]
    assert "13800000001" not in str(found)
    by_id = configured(
        "GET", f"/v1/messages/{msgid}/targets/{quote(found[0]['target'], safe='')}", auth=SENDER
    )
    assert by_id.json == found[0]
    for kind, contact in (("sms", "13800000003"), ("email", "13800000001")):
        reply = configured(
            "POST", f"/v1/messages/{msgid}/targets", {"type": kind, "contact": contact}, auth=SENDER
        )
        assert (reply.status, reply.code) == (404, 4004)
    assert (
        configured(
            "POST",
            f"/v1/messages/{msgid}/targets",
            {"type": "sms", "contact": "13800000001"},
            auth=OTHER,
        ).status
        == 404
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "fax", "contact": "1"},
        {"type": "sms", "contact": "a b"},
        {"type": "sms"},
        [],
        7,
    ],
)
def test_a_target_that_cannot_be_meant_is_refused(configured: Api, body: object) -> None:
    msgid = configured.send(message()).json["msgid"]
    reply = configured("POST", f"/v1/messages/{msgid}/targets", body, auth=SENDER)
    assert (reply.status, reply.code) == (400, 4004)


def test_an_unknown_target_is_not_found(configured: Api) -> None:
    msgid = configured.send(message()).json["msgid"]
    assert configured("GET", f"/v1/messages/{msgid}/targets/nobody", auth=SENDER).status == 404
