from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.entrypoints.conftest import OTHER, SENDER, Api, message


def test_the_sender_sees_what_became_of_its_message(configured: Api) -> None:
    msgid = configured.send(message()).json["msgid"]
    answer = configured("GET", f"/v1/messages/{msgid}", auth=SENDER).json
    assert (answer["code"], answer["msgid"], answer["funnel"]["users"]["planned"]) == (0, msgid, 2)


def test_a_target_is_found_whatever_its_id_is_made_of(configured: Api) -> None:
    userid = "A_@!#$&*+=.|¥￥-z"
    msgid = configured.send(message(aud_userid=[userid])).json["msgid"]
    answer = configured("GET", f"/v1/messages/{msgid}/targets/{quote(userid, safe='')}", auth=SENDER).json
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


@pytest.mark.parametrize("msgid", ["x", "0" * 16, "0" * 4000, "%00", "%FF%FE", "v%3A1t", "%2F", "zzzzzzzzzzzzzzzz", "＃"])
def test_what_is_no_message_is_not_found(configured: Api, msgid: str) -> None:
    for path in ("", "/targets/a", "/targets/%00", "/targets/%FF"):
        reply = configured("GET", f"/v1/messages/{quote(msgid, safe='%')}{path}", auth=SENDER)
        assert (reply.status, reply.code) == (404, 4004)


def test_an_unknown_target_is_not_found(configured: Api) -> None:
    msgid = configured.send(message()).json["msgid"]
    assert configured("GET", f"/v1/messages/{msgid}/targets/nobody", auth=SENDER).status == 404
