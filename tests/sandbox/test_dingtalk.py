from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.liveness import GIVES_UP, HANG, PATIENCE, eventually
from tests.providers.sandboxes import Sandbox, running, webhook

NOTICES = "/dingtalk/topapi/message/corpconversation/"
TEXT = {"msgtype": "text", "text": {"content": "hi"}}


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with running("--late", "1", "--timeout-hang", str(HANG), "--retry-after", "1") as sandbox:
        yield sandbox


@pytest.fixture
def box(started: Sandbox) -> Sandbox:
    started.clear()
    started.register("dingtalk", "key", agent_id="7", receipt_delay=0)
    return started


def token(box: Sandbox, secret: str = "secret") -> dict[str, Any]:
    return box.ask(
        "GET", "/dingtalk/gettoken", params={"appkey": "key", "appsecret": secret}
    ).json()


def post(
    box: Sandbox, what: str, body: Any, access_token: str | None = None, **options: Any
) -> requests.Response:
    query = {"access_token": token(box)["access_token"] if access_token is None else access_token}
    sent = {"agent_id": 7, **body} if isinstance(body, dict) else body
    return requests.post(
        box.url + NOTICES + what, json=sent, params=query, **{"timeout": PATIENCE, **options}
    )


def send(box: Sandbox, *users: str, msg: Any = TEXT) -> dict[str, Any]:
    answer: dict[str, Any] = post(
        box, "asyncsend_v2", {"userid_list": ",".join(users), "msg": msg}
    ).json()
    return answer


def result(box: Sandbox, task_id: int) -> dict[str, list[Any]]:
    lists = post(box, "getsendresult", {"task_id": task_id}).json()["send_result"]
    return {name.removesuffix("_user_id_list"): ids for name, ids in lists.items() if ids}


def test_what_becomes_of_a_task_is_told_user_by_user_and_over_time(box: Sandbox) -> None:
    users = ("a", "b-reject", "c-undelivered", "d-silent", "e-late", "f-click", "g-double")
    task_id = send(box, *users)["task_id"]
    early = {
        "unread": ["a"],
        "invalid": ["b-reject"],
        "failed": ["c-undelivered"],
        "read": ["f-click", "g-double"],
    }
    lists = result(box, task_id)
    for ids in lists.values():
        if "g-double" in ids:
            ids.remove("g-double")
    assert lists == {
        **early,
        "read": ["f-click"],
    }
    assert post(box, "getsendprogress", {"task_id": task_id}).json()["progress"] == {
        "progress_in_percent": 85,
        "status": 1,
    }
    eventually(lambda: "e-late" in result(box, task_id)["unread"])
    assert post(box, "getsendprogress", {"task_id": task_id}).json()["progress"]["status"] == 2
    assert [box.sends(user) for user in users] == [1, 0, 1, 1, 1, 1, 1]


def test_the_same_notice_twice_on_a_day_is_forbidden_in_the_result_only(box: Sandbox) -> None:
    send(box, "a")
    again = send(box, "a", "b")
    assert again["errcode"] == 0
    assert result(box, again["task_id"]) == {
        "unread": ["b"],
        "forbidden": ["a"],
        "forbidden_list": [{"code": "143106", "count": 1, "userid": "a"}],
    }
    assert box.sends("a") == 1


def test_wrong_credentials_and_tokens_are_refused_behind_the_gateway(box: Sandbox) -> None:
    ended = token(box)["access_token"]
    assert token(box, "wrong")["errcode"] == 40089
    for name, code in (("", "41001"), ("x", "40014")):
        refusal = post(box, "asyncsend_v2", {}, name).json()
        assert (refusal["errcode"], refusal["sub_code"]) == (88, code)
    box.register("dingtalk", "key", agent_id="7")
    assert post(box, "asyncsend_v2", {}, ended).json()["sub_code"] == "42001"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"agent_id": 8, "msg": TEXT, "userid_list": "a"}, 40056),
        ({"agent_id": None, "msg": TEXT, "userid_list": "a"}, 40),
        ({"userid_list": "a"}, 40),
        ({"msg": TEXT}, 40),
        ({"msg": TEXT, "userid_list": ",".join(["a"] * 101)}, 40035),
        ({"msg": {"msgtype": "poem"}, "userid_list": "a"}, 40008),
        ({"msg": {"msgtype": "text", "text": {}}, "userid_list": "a"}, 44004),
        ({"msg": {"msgtype": "link", "link": {"title": "t"}}, "userid_list": "a"}, 41),
        ({"msg": {"msgtype": "link"}, "userid_list": "a"}, 41),
        (
            {
                "msg": {
                    "msgtype": "action_card",
                    "action_card": {"title": "t", "markdown": "m", "single_title": "s" * 21},
                },
                "userid_list": "a",
            },
            41,
        ),
        ([], 47001),
    ],
)
def test_what_breaks_a_rule_gets_the_vendors_code_and_sends_nothing(
    box: Sandbox, body: Any, code: int
) -> None:
    assert post(box, "asyncsend_v2", body).json()["errcode"] == code
    assert box.sends("a") == 0


def test_troubles_pass(box: Sandbox) -> None:
    throttled = post(box, "asyncsend_v2", {"msg": TEXT, "userid_list": "a-throttle"})
    assert (
        throttled.json()["errcode"],
        throttled.json()["sub_code"],
        throttled.headers["Retry-After"],
    ) == (88, "90018", "1")
    assert send(box, "a-flaky")["errcode"] == -1
    assert send(box, "a-throttle", "a-flaky")["errcode"] == 0
    with pytest.raises(requests.Timeout):
        post(box, "asyncsend_v2", {"msg": TEXT, "userid_list": "a-timeout"}, timeout=GIVES_UP)
    assert send(box, "a-timeout")["errcode"] == 0
    assert box.sends("a-timeout") == 1


def test_a_recalled_task_is_told_of_no_more(box: Sandbox) -> None:
    task_id = send(box, "a")["task_id"]
    assert post(box, "recall", {"msg_task_id": task_id}).json()["errcode"] == 0
    assert post(box, "recall", {"msg_task_id": task_id}).json()["errcode"] == 41
    assert post(box, "getsendresult", {"task_id": task_id}).json()["errcode"] == 41
    assert (
        post(box, "getsendresult", {"agent_id": 8, "task_id": task_id}).json()["errcode"] == 40056
    )


def test_a_person_opens_the_first_link(box: Sandbox) -> None:
    with webhook() as page:
        card = {"title": "t", "markdown": "m", "single_title": "see", "single_url": page.url}
        send(box, "a-click", msg={"msgtype": "action_card", "action_card": card})
        eventually(lambda: page.seen)


def test_an_unknown_path_is_refused(box: Sandbox) -> None:
    assert box.ask("GET", "/dingtalk/nowhere").json()["errcode"] == 22
