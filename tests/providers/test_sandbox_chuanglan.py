from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from chalicelib.domain.errors import Misconfigured, ProviderError, Rejected, Throttled, Unavailable, Uncertain
from chalicelib.domain.sending import Account, Answer, OutgoingCall, Receipt, ReceiptKind, Recipient, Reply, WebhookRequest
from chalicelib.providers.sms.chuanglan import Chuanglan
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http
from tests.providers.sandboxes import Sandbox, Seen, Webhook, eventually, running, webhook

HTTP = Http(Policy(("127.0.0.1",)), timeout=8)
CREDENTIALS = {"account": "key", "password": "secret"}
GOOD, GONE, OFF = "13800001234", "13800000001", "13800000002"


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with running("--late", "1", "--timeout-hang", "5") as sandbox:
        yield sandbox


@pytest.fixture
def box(started: Sandbox) -> Sandbox:
    started.clear()
    started.register("chuanglan", "key", webhook_url=None)
    return started


class Hook(Webhook):
    """Says what the vendor wants to hear, unless it is deaf."""

    def answer(self, seen: Seen) -> tuple[int, str]:
        status, _ = super().answer(seen)
        return status, "" if self.deaf else read(seen).reply


@pytest.fixture
def hook(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    monkeypatch.setattr("tests.providers.sandboxes.Webhook", Hook)
    with webhook() as hook:
        box.register("chuanglan", "key", webhook_url=hook.url)
        yield hook
        box.register("chuanglan", "key", webhook_url=None)


def read(seen: Seen):
    query = dict(parse_qsl(urlsplit(seen.path).query, keep_blank_values=True))
    return Chuanglan(HTTP).read_webhook(WebhookRequest(seen.method, seen.headers, query, seen.body.encode(), int(time.time() * 1000)), {})


def session(box: Sandbox, http: Http = HTTP, **credentials: str):
    account = Account("sms", {**CREDENTIALS, **credentials}, {"base_url": f"{box.url}/chuanglan", "signature": "商店"})
    return Chuanglan(http).connect(account)


def send(box: Sandbox, *contacts: str, text: str = "文", http: Http = HTTP) -> Answer:
    with session(box, http) as opened:
        return opened.send(OutgoingCall("m", [Recipient(contact, {"content": text}) for contact in contacts]))


def poll(box: Sandbox) -> Any:
    with session(box) as opened:
        return opened.poll({})


def ask(box: Sandbox, path: str, body: Any) -> Any:
    return box.ask("POST", f"/chuanglan{path}", json=body).json()


def test_a_batch_is_sent_and_its_reports_are_polled(box: Sandbox) -> None:
    outcomes = send(box, GOOD, GONE, OFF, "13800000003").outcomes
    eventually(lambda: box.get("receipts")["chuanglan"]["pending"] == 0)
    found = {each.provider_id: each for each in poll(box)}
    assert [found[o.provider_id].kind for o in outcomes[:3]] == [ReceiptKind.DELIVERED] + [ReceiptKind.DELIVERY_FAILED] * 2
    assert [found[o.provider_id].gone for o in outcomes[:3]] == [False, True, False]
    assert len(found) == 3
    assert poll(box) == []
    (message,) = box.get("inbox", contact=GOOD)["messages"]
    assert message["content"] == {"msg": "【商店】文"}


def test_reports_are_pushed_one_by_one_until_they_are_taken(box: Sandbox, hook: Webhook) -> None:
    hook.script = [500]
    ids = [o.provider_id for o in send(box, GOOD, OFF).outcomes]
    eventually(lambda: box.get("receipts")["chuanglan"]["posted"] == 2)
    assert [seen.method for seen in hook.seen] == ["GET"] * 3
    found = {r.provider_id: r for seen in hook.seen for r in read(seen).receipts}
    assert {i: r.kind for i, r in found.items()} == dict(zip(ids, [ReceiptKind.DELIVERED, ReceiptKind.DELIVERY_FAILED], strict=True))
    assert all(abs(r.time / 1000 - time.time()) < 60 for r in found.values())


def test_a_push_that_is_not_confirmed_comes_again(box: Sandbox, hook: Webhook) -> None:
    hook.deaf = True
    send(box, GOOD)
    eventually(lambda: len(hook.seen) > 1)
    hook.deaf = False
    eventually(lambda: box.get("receipts")["chuanglan"]["posted"] == 1)


def test_links_of_ones_own_reach_each_number(box: Sandbox) -> None:
    with webhook() as page, session(box) as opened:
        urls = {contact: page.url.replace("/hook", f"/l/{contact}") for contact in (GOOD, "13800000009")}
        recipients = [Recipient(contact, {"content": f"看 {url} 。"}) for contact, url in urls.items()]
        opened.send(OutgoingCall("m", recipients))
        assert box.get("inbox", contact=GOOD)["messages"][0]["content"] == {"msg": f"【商店】看 {urls[GOOD]} 。"}
        eventually(lambda: page.seen)
        assert page.seen[0].path.startswith("/l/13800000009")
    assert [call["endpoint"] for call in box.get("calls")["calls"]] == ["POST /msg/variable/json"]


@pytest.mark.parametrize(("contact", "kind"), [("13800000005", Unavailable), ("13800000008", Throttled)])
def test_a_trouble_refuses_the_whole_batch_once(box: Sandbox, contact: str, kind: type[Exception]) -> None:
    with pytest.raises(kind) as error:
        send(box, contact, GOOD)
    assert type(error.value) is kind
    assert box.sends(GOOD) == 0
    assert all(o.provider_id for o in send(box, contact, GOOD).outcomes)


def test_a_batch_that_times_out_was_sent(box: Sandbox) -> None:
    with pytest.raises(Uncertain):
        send(box, "13800000007", http=Http(Policy(("127.0.0.1",)), timeout=0.5))
    send(box, "13800000007")
    assert box.sends("13800000007") == 2


def test_a_double_report_comes_before_the_answer_and_again(box: Sandbox, hook: Webhook) -> None:
    send(box, "13800000006")
    answered = time.time()
    eventually(lambda: len(hook.seen) == 2)
    assert hook.seen[0].at < answered < hook.seen[1].at
    assert read(hook.seen[0]) == read(hook.seen[1])


def test_a_late_report_comes_late(box: Sandbox, hook: Webhook) -> None:
    begun = time.time()
    send(box, "13800000004")
    eventually(lambda: hook.seen)
    assert hook.seen[0].at - begun >= 1


def test_what_a_person_writes_back_is_pushed_or_pulled(box: Sandbox) -> None:
    written = {"provider": "chuanglan", "app_key": "key", "contact": GOOD, "text": "退订 R"}
    assert box.ask("POST", "/_sandbox/replies", json=written).status_code == 204
    (reply,) = poll(box)
    assert isinstance(reply, Reply)
    assert (reply.contact, reply.text) == (GOOD, "退订 R")
    for bad in ({}, [], {**written, "provider": "alipay"}, {**written, "text": ""}):
        assert box.ask("POST", "/_sandbox/replies", json=bad).status_code == 400


def test_what_a_person_writes_back_is_pushed(box: Sandbox, hook: Webhook) -> None:
    box.ask("POST", "/_sandbox/replies", json={"provider": "chuanglan", "app_key": "key", "contact": GOOD, "text": "TD"})
    eventually(lambda: box.get("receipts")["chuanglan"]["posted"] == 1)
    assert [(r.contact, r.text) for r in read(hook.seen[0]).replies] == [(GOOD, "TD")]


def test_a_poll_brings_500_reports_in_five_questions(box: Sandbox) -> None:
    for start in (1000, 1300):
        send(box, *(f"138{n:08d}" for n in range(start, start + 300)))
    eventually(lambda: box.get("receipts")["chuanglan"]["pending"] == 0)
    assert [len(poll(box)), len(poll(box))] == [500, 100]


def test_a_wrong_password_is_refused(box: Sandbox) -> None:
    with session(box) as opened:
        opened.check()
    with session(box, password="wrong") as opened:
        for ask_for in (opened.check, lambda: opened.poll({})):
            with pytest.raises(Misconfigured, match="102"):
                ask_for()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"account": ""}, "101"),
        ({"password": "x"}, "102"),
        ({"phone": ""}, "108"),
        ({"phone": ",".join([GOOD] * 1001)}, "108"),
        ({"phone": f"{GOOD},12"}, "107"),
        ({"msg": ""}, "106"),
        ({"msg": "【商店】" + "文" * 533}, "106"),
        ({"msg": "文"}, "116"),
    ],
)
def test_what_breaks_a_rule_gets_the_vendors_code_and_sends_nothing(box: Sandbox, changes: dict[str, str], code: str) -> None:
    body = {**CREDENTIALS, "msg": "【商店】" + "文" * 532, "phone": GOOD}
    assert ask(box, "/msg/v1/send/json", {**body, **changes})["code"] == code
    assert box.sends(GOOD) == 0
    assert ask(box, "/msg/v1/send/json", body)["code"] == "0"
    assert box.sends(GOOD) == 1


def test_requests_that_are_none_are_refused(box: Sandbox) -> None:
    assert ask(box, "/msg/v1/send/json", [])["code"] == "130"
    for params in ("", GOOD, f"{GOOD},a,b"):
        assert ask(box, "/msg/variable/json", {**CREDENTIALS, "msg": "【商店】{$var}", "params": params})["code"] == "130"
    assert box.ask("GET", "/chuanglan/msg/nowhere").status_code == 404


def test_a_push_has_one_report(box: Sandbox) -> None:
    assert box.register("chuanglan", "key", receipt_batch=2).status_code == 400
    assert box.register("montnets", "key", receipt_batch=501).status_code == 400
    assert box.register("montnets", "key", receipt_batch=500).status_code == 200


def test_nobody_asked_for_a_report(box: Sandbox) -> None:
    ask(box, "/msg/v1/send/json", {**CREDENTIALS, "msg": "【商店】文", "phone": GOOD})
    assert box.get("receipts")["chuanglan"]["pending"] == 0
    assert poll(box) == []


def test_refusals_are_errors_of_ours(box: Sandbox) -> None:
    with pytest.raises(Rejected):
        send(box, GOOD, text="【商店】" + "文" * 600)
    with pytest.raises(ProviderError):
        send(box, GOOD, text="【】")
    assert not any(isinstance(each, Receipt) for each in poll(box))
