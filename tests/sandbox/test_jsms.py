from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.liveness import HANG, PATIENCE, eventually, is_recent
from tests.providers.sandboxes import Sandbox, Webhook, running, webhook

AUTH = ("key", "secret")
GOOD, OFF = "13800001234", "13800000002"


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with running("--late", "1", "--timeout-hang", str(HANG), "--retry-after", "1") as sandbox:
        yield sandbox


@pytest.fixture
def box(started: Sandbox) -> Sandbox:
    started.clear()
    started.register("jsms", "key", webhook_url=None, report_interval=0)
    return started


@pytest.fixture
def hook(box: Sandbox) -> Iterator[Webhook]:
    with webhook() as hook:
        box.register("jsms", "key", webhook_url=hook.url, report_interval=0)
        yield hook
        box.register("jsms", "key", webhook_url=None)


def send(
    box: Sandbox, *mobiles: str, para: dict[str, str] | None = None, **options: Any
) -> requests.Response:
    recipients = [{"mobile": mobile, "temp_para": para or {"code": "1"}} for mobile in mobiles]
    body = {"sign_id": 3, "temp_id": 7, "recipients": recipients}
    return requests.post(
        box.url + "/jsms/v1/messages/batch",
        json=body,
        auth=AUTH,
        **{"timeout": PATIENCE, **options},
    )


def send_one(box: Sandbox, mobile: str, **more: Any) -> requests.Response:
    return box.ask(
        "POST", "/jsms/v1/messages", json={"mobile": mobile, "temp_id": 7, **more}, auth=AUTH
    )


def error(reply: requests.Response) -> tuple[int, int]:
    return reply.status_code, reply.json()["error"]["code"]


def reports(hook: Webhook) -> list[dict[str, Any]]:
    return [json.loads(seen.form["data"]) for seen in list(hook.seen)]


def poll(box: Sandbox) -> Any:
    return box.ask("GET", "/jsms/v1/report", auth=AUTH).json()


def test_a_batch_is_answered_per_recipient_with_an_id_for_each_number(box: Sandbox) -> None:
    answer = send(box, GOOD, "13800000001", "12").json()
    taken, refused, short = answer["recipients"]
    assert (answer["success_count"], answer["failure_count"]) == (1, 2)
    assert taken == {"msg_id": taken["msg_id"], "mobile": GOOD}
    assert taken["msg_id"].isdecimal()
    assert refused == {
        "error_code": "50006",
        "error_message": "invalid mobile",
        "mobile": "13800000001",
        "temp_para": {"code": "1"},
    }
    assert short["error_code"] == "50006"
    assert [box.sends(mobile) for mobile in (GOOD, "13800000001", "12")] == [1, 0, 0]


def test_a_single_message_has_a_number_as_its_id_or_the_error_of_its_number(box: Sandbox) -> None:
    assert isinstance(send_one(box, GOOD).json()["msg_id"], int)
    assert error(send_one(box, "13800000001")) == (403, 50006)
    assert error(send_one(box, "x")) == (403, 50006)
    assert error(send_one(box, "+8613800001234")) == (403, 50006)
    assert error(send_one(box, "")) == (400, 50004)
    assert box.outcomes("13800000001") == ["refused"]


def test_each_receipt_is_posted_as_a_signed_form_of_its_own(box: Sandbox, hook: Webhook) -> None:
    ids = [entry["msg_id"] for entry in send(box, GOOD, OFF, "13800000003").json()["recipients"]]
    eventually(lambda: len(hook.seen) == 2)
    by_phone = {report["phone"]: report for report in reports(hook)}
    assert by_phone[GOOD] == {
        "msgId": ids[0],
        "phone": GOOD,
        "receiveTime": by_phone[GOOD]["receiveTime"],
        "status": 4001,
    }
    assert by_phone[OFF]["status"] == 4003
    form = hook.seen[0].form
    signed = (
        f"appKey=key&appMasterSecret=secret&nonce={form['nonce']}&timestamp={form['timestamp']}"
    )
    assert form["signature"] == hashlib.sha1(signed.encode()).hexdigest()
    assert form["type"] == "SMS_REPORT"
    assert hook.seen[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert is_recent(int(form["timestamp"]) / 1000)
    assert is_recent(by_phone[GOOD]["receiveTime"] / 1000)


def test_an_account_can_take_arrays_of_receipts(box: Sandbox) -> None:
    with webhook() as hook:
        box.register("jsms", "key", webhook_url=hook.url, receipt_batch=2, receipt_wait=0)
        send(box, GOOD, "13800001235", "13800001236")
        eventually(lambda: len(hook.seen) == 2)
        assert sorted(len(report) for report in reports(hook)) == [1, 2]


def test_reports_are_polled_once_and_only_without_a_callback(box: Sandbox) -> None:
    (entry,) = send(box, GOOD).json()["recipients"]
    (report,) = eventually(lambda: poll(box))
    assert report == {
        "msgId": entry["msg_id"],
        "phone": GOOD,
        "receiveTime": report["receiveTime"],
        "status": 4001,
    }
    assert poll(box) == []
    send(box, GOOD)
    eventually(lambda: box.get("receipts")["jsms"]["pending"] == 0)
    box.register("jsms", "key", webhook_url=box.url, report_interval=0)
    assert poll(box) == []


def test_a_poll_brings_500_reports_and_is_refused_within_its_interval(box: Sandbox) -> None:
    send(box, *(f"138{n:08d}" for n in range(1100, 1700)))
    eventually(lambda: box.get("receipts")["jsms"]["pending"] == 0)
    assert len(poll(box)) == 500
    box.register("jsms", "key", report_interval=5)
    assert error(box.ask("GET", "/jsms/v1/report", auth=AUTH)) == (403, 50009)
    box.register("jsms", "key", report_interval=0)
    assert len(poll(box)) == 100


def test_replies_are_polled_as_reports_are(box: Sandbox) -> None:
    for n in range(501):
        written = {"provider": "jsms", "app_key": "key", "contact": GOOD, "text": f"no {n}"}
        assert box.ask("POST", "/_sandbox/replies", json=written).status_code == 204
    first = box.ask("GET", "/jsms/v1/reply", auth=AUTH).json()
    assert (len(first), first[0]["phone"], first[0]["content"]) == (500, GOOD, "no 0")
    box.register("jsms", "key", report_interval=5)
    assert error(box.ask("GET", "/jsms/v1/reply", auth=AUTH)) == (403, 50009)
    assert poll(box) == []  # another question, with an interval of its own
    box.register("jsms", "key", report_interval=0)
    assert [reply["content"] for reply in box.ask("GET", "/jsms/v1/reply", auth=AUTH).json()] == [
        "no 500"
    ]


def test_a_double_receipt_comes_before_the_answer_and_again(box: Sandbox, hook: Webhook) -> None:
    send(box, "13800000006")
    assert hook.seen  # before the answer
    eventually(lambda: len(hook.seen) == 2)
    assert reports(hook)[0] == reports(hook)[1]
    assert hook.seen[0].form["nonce"] != hook.seen[1].form["nonce"]


def test_a_flaky_number_fails_the_whole_batch_once(box: Sandbox) -> None:
    assert error(send(box, "13800000005", GOOD)) == (500, 50019)
    assert box.sends(GOOD) == 0
    assert send(box, "13800000005", GOOD).json()["success_count"] == 2


def test_a_throttled_number_refuses_the_whole_batch_once_with_a_hint(box: Sandbox) -> None:
    reply = send(box, "13800000008", GOOD)
    assert error(reply) == (403, 50009)
    assert reply.headers["Retry-After"] == "1"
    assert send(box, "13800000008", GOOD).status_code == 200


def test_a_person_opens_the_first_link_of_this_machine_and_no_other(
    box: Sandbox, hook: Webhook
) -> None:
    with webhook() as page:
        link = page.url.replace("/hook", "/s/abc")
        send(box, "13800000009", para={"a": "see http://192.0.2.1/x", "b": f"or {link}."})
        send(box, GOOD, para={"a": link})
        eventually(lambda: page.seen)
        eventually(
            lambda: box.get("receipts")["links"], lambda n: (n["posted"], n["pending"]) == (1, 0)
        )
        assert [(seen.method, seen.path) for seen in page.seen] == [("GET", "/s/abc?token=t")]


def test_the_inbox_shows_what_a_number_received(box: Sandbox) -> None:
    (entry,) = send(box, GOOD, para={"name": "Ann"}).json()["recipients"]
    (message,) = box.get("inbox", contact=GOOD)["messages"]
    assert message["provider"] == "jsms"
    assert message["provider_id"] == entry["msg_id"]
    assert message["content"] == {"sign_id": 3, "temp_id": 7, "temp_para": {"name": "Ann"}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"recipients": [{"mobile": GOOD}]}, (400, 50005)),
        ({"temp_id": "x", "recipients": [{"mobile": GOOD}]}, (403, 50013)),
        ({"temp_id": 1, "recipients": []}, (403, 50030)),
        ({"temp_id": 1, "recipients": [{"mobile": GOOD}] * 1001}, (403, 50031)),
        ({"temp_id": 1, "recipients": [{}]}, (400, 50004)),
        ({"temp_id": 1, "recipients": [{"mobile": GOOD, "temp_para": []}, 1]}, (403, 50007)),
        ([], (403, 50007)),
    ],
)
def test_what_breaks_a_rule_gets_the_vendors_code_and_sends_nothing(
    box: Sandbox, body: Any, expected: tuple[int, int]
) -> None:
    assert error(box.ask("POST", "/jsms/v1/messages/batch", json=body, auth=AUTH)) == expected
    assert box.sends(GOOD) == 0


def test_requests_that_are_none_get_the_vendors_codes(box: Sandbox) -> None:
    path = "/jsms/v1/messages/batch"
    assert error(box.ask("POST", path, json={})) == (400, 50001)
    assert error(box.ask("POST", path, json={}, auth=("key", "wrong"))) == (401, 50002)
    assert error(box.ask("POST", path, json={}, headers={"Authorization": "Basic a2V5"})) == (
        401,
        50002,
    )
    assert error(box.ask("POST", path, auth=AUTH)) == (400, 50003)
    assert error(
        box.ask("POST", path, data="a=b", headers={"Content-Type": "text/plain"}, auth=AUTH)
    ) == (415, 50017)
    assert error(
        box.ask("POST", path, data="{", headers={"Content-Type": "application/json"}, auth=AUTH)
    ) == (403, 50007)
    assert error(box.ask("GET", path, auth=AUTH)) == (405, 50018)
    assert error(box.ask("GET", "/jsms/v1/nowhere", auth=AUTH)) == (404, 50016)
    assert box.ask("GET", "/jsms/v1/accounts/app", auth=AUTH).json()["app_balance"] > 0


def test_what_a_person_writes_back_is_posted_as_a_signed_form(box: Sandbox, hook: Webhook) -> None:
    written = {"provider": "jsms", "app_key": "key", "contact": GOOD, "text": "TD"}
    assert box.ask("POST", "/_sandbox/replies", json=written).status_code == 204
    eventually(lambda: hook.seen)
    assert hook.seen[0].form["type"] == "SMS_REPLY"
    (reply,) = reports(hook)
    assert (reply["phone"], reply["content"]) == (GOOD, "TD")
    assert is_recent(reply["replyTime"] / 1000)


def test_an_address_that_echoes_is_taken_and_one_that_does_not_is_refused(box: Sandbox) -> None:
    with webhook() as hook:
        assert box.register("jsms", "key", webhook_url=hook.url, verify=True).status_code == 200
        hook.deaf = 1
        assert box.register("jsms", "key", webhook_url=hook.url, verify=True).status_code == 400
        assert [seen.method for seen in hook.seen] == ["GET", "GET"]
        assert "&echostr=" in hook.seen[0].path
        send(box, GOOD)
        eventually(lambda: poll(box))
    assert len(hook.seen) == 2


PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)


@pytest.mark.parametrize(
    ("fields", "files", "answer"),
    [
        ({"sign": "极光推送", "type": "1"}, {"image0": ("a.png", PNG, "image/png")}, 200),
        ({"sign": "极光推送", "type": "9"}, {}, (403, 50007)),
        ({"sign": "极光推送", "remark": "x" * 101}, {}, (403, 50007)),
        ({"sign": "极光推送"}, {"image0": ("a.gif", b"GIF89a", "image/gif")}, (403, 50101)),
        ({"sign": "极光推送"}, {"image1": ("a.png", PNG, "image/jpeg")}, (403, 50101)),
        ({"sign": "?"}, {}, (403, 50104)),
    ],
)
def test_a_signature_has_certificates_of_known_types(
    box: Sandbox, fields: dict[str, str], files: Any, answer: Any
) -> None:
    box.register("jsms", f"key{id(fields)}")
    reply = box.ask(
        "POST",
        "/jsms/v1/sign",
        data=fields,
        files=files or {"unknown": ("", b"")},
        auth=(f"key{id(fields)}", "secret"),
    )
    assert (reply.status_code if answer == 200 else error(reply)) == answer, reply.text
