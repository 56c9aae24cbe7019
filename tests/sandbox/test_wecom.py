from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.liveness import GIVES_UP, HANG, PATIENCE, eventually
from tests.providers.sandboxes import Sandbox, running, webhook

TEXT = {"agentid": 7, "msgtype": "text", "text": {"content": "hi"}}


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with running("--timeout-hang", str(HANG), "--retry-after", "1") as sandbox:
        yield sandbox


@pytest.fixture
def box(started: Sandbox) -> Sandbox:
    started.clear()
    started.register("wecom", "ww1", agent_id="7")
    return started


def token(box: Sandbox, corp: str = "ww1", secret: str = "secret") -> dict[str, Any]:
    return box.ask(
        "GET", "/wecom/cgi-bin/gettoken", params={"corpid": corp, "corpsecret": secret}
    ).json()


def post(
    box: Sandbox, path: str, body: Any, access_token: str | None = None, **options: Any
) -> requests.Response:
    query = {"access_token": token(box)["access_token"] if access_token is None else access_token}
    return requests.post(
        f"{box.url}/wecom/cgi-bin/{path}",
        json=body,
        params=query,
        **{"timeout": PATIENCE, **options},
    )


def send(box: Sandbox, users: str, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = post(box, "message/send", {**TEXT, "touser": users, **more}).json()
    return answer


def test_a_token_is_given_for_id_and_secret_and_stays_while_it_lives(box: Sandbox) -> None:
    granted = token(box)
    assert (granted["errcode"], granted["expires_in"]) == (0, 7200)
    assert token(box)["access_token"] == granted["access_token"]
    assert token(box, secret="wrong")["errcode"] == 40001
    assert token(box, corp="")["errcode"] == 40013


def test_a_wrong_missing_or_ended_token_is_refused(box: Sandbox) -> None:
    ended = token(box)["access_token"]
    assert post(box, "message/send", {}, "").json()["errcode"] == 41001
    assert post(box, "message/send", {}, "x").json()["errcode"] == 40014
    box.register("wecom", "ww1", agent_id="7")
    assert post(box, "message/send", {}, ended).json()["errcode"] == 42001
    assert token(box)["access_token"] != ended
    box.register("wecom", "ww1", agent_id="7", token_life=0.2)
    short = token(box)["access_token"]
    eventually(lambda: post(box, "message/send", {}, short).json()["errcode"] == 42001)


def test_users_get_it_but_those_who_are_not_there(box: Sandbox) -> None:
    answer = send(box, "Ann|Bob-reject|@all|cas")
    assert answer == {
        "errcode": 0,
        "errmsg": "ok",
        "msgid": answer["msgid"],
        "invaliduser": "bob-reject|@all",
    }
    assert [box.sends(user) for user in ("Ann", "Bob-reject", "cas")] == [1, 0, 1]
    (message,) = box.get("inbox", contact="Ann")["messages"]
    assert message["content"] == {"msgtype": "text", "text": {"content": "hi"}}
    assert send(box, "x-reject|y-reject")["errcode"] == 81013


def test_members_of_linked_corporations_are_listed_and_answered_in_lists(box: Sandbox) -> None:
    body = {**TEXT, "touser": ["ww2/ann", "ww2/bob-reject", "zoe", "/eve"]}
    assert post(box, "linkedcorp/message/send", body).json() == {
        "errcode": 0,
        "errmsg": "ok",
        "invaliduser": ["ww2/bob-reject", "/eve"],
    }
    assert box.sends("ww2/ann") == box.sends("zoe") == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"agentid": 8}, 40056),
        ({"agentid": None}, 41011),
        ({"msgtype": "poem"}, 40008),
        ({"text": {}}, 44004),
        ({"safe": 2}, 40058),
        ({"msgtype": "news", "news": {"articles": [{"title": "t"}]}, "safe": 1}, 40074),
        ({"text": None}, 40058),
        ({"touser": None}, 40058),
        ({"touser": "|".join(["u"] * 1001)}, 40032),
        ({"msgtype": "news", "news": {"articles": [{"title": "t"}] * 9}}, 45008),
        (
            {
                "msgtype": "textcard",
                "textcard": {"title": "t", "description": "d", "url": "u" * 2049},
            },
            45002,
        ),
        ({"msgtype": "image", "image": {}}, 40058),
        ({"msgtype": "template_card", "template_card": {"card_type": "button_interaction"}}, 40058),
    ],
)
def test_what_breaks_a_rule_gets_the_vendors_code_and_sends_nothing(
    box: Sandbox, change: dict[str, Any], code: int
) -> None:
    assert post(box, "message/send", {**TEXT, "touser": "u", **change}).json()["errcode"] == code
    assert box.sends("u") == 0


def test_the_same_json_within_its_interval_is_sent_once(box: Sandbox) -> None:
    check = {"enable_duplicate_check": 1, "duplicate_check_interval": 1860}
    first = send(box, "u", **check)
    assert send(box, "u", **check) == first
    assert box.outcomes("u") == ["accepted", "duplicate"]
    send(box, "u", **{**check, "duplicate_check_interval": 1861})
    send(box, "u")
    send(box, "u")
    assert box.sends("u") == 4


def test_troubles_pass(box: Sandbox) -> None:
    throttled = post(box, "message/send", {**TEXT, "touser": "u-throttle"})
    assert (throttled.json()["errcode"], throttled.headers["Retry-After"]) == (45009, "1")
    assert send(box, "u-flaky")["errcode"] == -1
    assert send(box, "u-throttle|u-flaky")["errcode"] == 0


def test_a_call_that_times_out_was_sent(box: Sandbox) -> None:
    body = {**TEXT, "touser": "u-timeout", "enable_duplicate_check": 1}
    with pytest.raises(requests.Timeout):
        post(box, "message/send", body, timeout=GIVES_UP)
    assert post(box, "message/send", body).json()["errcode"] == 0
    assert box.outcomes("u-timeout") == ["timeout", "duplicate"]
    assert box.sends("u-timeout") == 1


def test_a_message_is_recalled_once(box: Sandbox) -> None:
    msgid = send(box, "u")["msgid"]
    assert post(box, "message/recall", {"msgid": msgid}).json()["errcode"] == 0
    assert post(box, "message/recall", {"msgid": msgid}).json()["errcode"] == 40058


def test_what_is_no_json_or_no_path_is_refused(box: Sandbox) -> None:
    query = {"access_token": token(box)["access_token"]}
    assert (
        box.ask("POST", "/wecom/cgi-bin/message/send", params=query, data="{").json()["errcode"]
        == 47001
    )
    assert post(box, "message/send", []).json()["errcode"] == 47001
    assert box.ask("GET", "/wecom/cgi-bin/nowhere").status_code == 404


def test_a_person_opens_the_first_link(box: Sandbox) -> None:
    with webhook() as page:
        send(
            box,
            "u-click",
            msgtype="textcard",
            textcard={"title": "t", "description": "d", "url": page.url},
        )
        eventually(lambda: page.seen)


def test_an_address_is_only_taken_with_a_key(box: Sandbox) -> None:
    with webhook() as hook:
        assert box.register("wecom", "ww1", webhook_url=hook.url, verify=True).status_code == 400
        assert hook.seen == []
        keys = {"callback_token": "tok", "encoding_aes_key": "a" * 43}
        assert (
            box.register("wecom", "ww1", webhook_url=hook.url, verify=True, **keys).status_code
            == 400
        )
        assert "msg_signature=" in hook.seen[0].path
