from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib.domain.errors import Misconfigured, Rejected
from chalicelib.domain.provider_io import (
    Account,
    Answer,
    OutgoingCall,
    ReceiptKind,
    Recipient,
    WebhookRequest,
)
from chalicelib.providers.sms.montnets import Montnets
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http
from tests.liveness import HANG, PATIENCE, eventually
from tests.providers.sandboxes import Sandbox, Seen, running, webhook

HTTP = Http(Policy(("127.0.0.1",)), timeout=PATIENCE)
CREDENTIALS = {"userid": "J10003", "password": "secret"}
PLAIN = {"userid": "J10003", "pwd": "secret"}
GOOD, GONE, OFF = "13800001234", "13800000001", "13800000002"


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with running("--late", "1", "--timeout-hang", str(HANG)) as sandbox:
        yield sandbox


@pytest.fixture
def box(started: Sandbox) -> Sandbox:
    started.clear()
    started.register("montnets", "J10003", webhook_url=None)
    return started


def read(seen: Seen):
    request = WebhookRequest(
        seen.method, seen.headers, {}, seen.body.encode(), int(time.time() * 1000)
    )
    return Montnets(HTTP).read_webhook(request, CREDENTIALS)


def session(box: Sandbox, password: str = "secret", **options: str):
    account = Account(
        "sms", {**CREDENTIALS, "password": password}, {"base_url": f"{box.url}/montnets", **options}
    )
    return Montnets(HTTP).connect(account)


def send(box: Sandbox, *contacts: str, text: str = "文", **options: str) -> Answer:
    with session(box, **options) as opened:
        return opened.send(
            OutgoingCall("m", [Recipient(contact, {"content": text}) for contact in contacts])
        )


def poll(box: Sandbox) -> Any:
    with session(box) as opened:
        return opened.poll({})


def ask(box: Sandbox, name: str, body: Any) -> Any:
    return box.ask("POST", f"/montnets/sms/v2/std/{name}", json=body).json()


def test_a_batch_is_sent_and_its_reports_are_polled(box: Sandbox) -> None:
    outcomes = send(box, GOOD, GONE, OFF, "13800000003", "+85251234567").outcomes
    eventually(lambda: box.get("receipts")["montnets"]["pending"] == 0)
    receipts = {receipt.provider_id: receipt for receipt in poll(box)}
    assert [receipts[o.provider_id].kind for o in outcomes[:3]] == [ReceiptKind.DELIVERED] + [
        ReceiptKind.DELIVERY_FAILED
    ] * 2
    assert [receipts[o.provider_id].undeliverable for o in outcomes[:3]] == [False, True, False]
    assert outcomes[3].provider_id not in receipts
    assert receipts[outcomes[4].provider_id].contact == "0085251234567"
    assert poll(box) == []


@pytest.mark.parametrize("options", [{}, {"auth": "plain"}, {"charset": "gbk"}])
def test_texts_arrive_as_they_were_written(box: Sandbox, options: dict[str, str]) -> None:
    send(box, GOOD, text="验证码:6666 %e9 +&😀", **options)
    with session(box, **options) as opened:
        opened.send(
            OutgoingCall(
                "m",
                [Recipient(GOOD, {"content": "一"}), Recipient("13800001235", {"content": "二,"})],
            )
        )
    texts = [
        message["content"]["content"] for message in box.get("inbox", contact=GOOD)["messages"]
    ]
    assert texts == ["验证码:6666 %e9 +&😀", "一"]
    assert box.get("inbox", contact="13800001235")["messages"][0]["content"] == {"content": "二,"}


def test_reports_are_pushed_together_and_a_long_text_has_one_receipt(box: Sandbox) -> None:
    with webhook() as hook:
        hook.says = lambda seen: read(seen).reply
        box.register("montnets", "J10003", webhook_url=hook.url)
        ids = [o.provider_id for o in send(box, GOOD, OFF, text="文" * 135).outcomes]
        eventually(lambda: box.get("receipts")["montnets"]["posted"] == 6)
    (seen,) = hook.seen
    assert {r.provider_id: r.kind for r in read(seen).receipts} == dict(
        zip(ids, [ReceiptKind.DELIVERED, ReceiptKind.DELIVERY_FAILED], strict=True)
    )


def test_a_person_opens_the_link(box: Sandbox) -> None:
    with webhook() as page:
        send(box, "13800000009", text=f"看 {page.url}。")
        eventually(lambda: page.seen)


def test_a_wrong_password_is_refused(box: Sandbox) -> None:
    for options in ({}, {"auth": "plain"}):
        with session(box, **options) as opened:
            opened.check()
        with (
            session(box, password="wrong", **options) as opened,
            pytest.raises(Misconfigured, match="100001"),
        ):
            opened.check()


def test_an_old_timestamp_is_refused(box: Sandbox) -> None:
    with (
        Montnets(HTTP, lambda: time.time() - 3600).connect(
            Account("sms", CREDENTIALS, {"base_url": f"{box.url}/montnets"})
        ) as opened,
        pytest.raises(Misconfigured, match="100001"),
    ):
        opened.check()


def test_an_answer_holds_as_many_as_were_asked_for(box: Sandbox) -> None:
    for start in (1000, 1100, 1200, 1300, 1400, 1500):
        send(box, *(f"138{n:08d}" for n in range(start, start + 100)))
    eventually(lambda: box.get("receipts")["montnets"]["pending"] == 0)
    assert len(ask(box, "get_rpt", {**PLAIN, "retsize": 3})["rpts"]) == 3
    assert len(ask(box, "get_rpt", {**PLAIN, "retsize": 0})["rpts"]) == 500
    assert len(ask(box, "get_rpt", {**PLAIN, "retsize": 999})["rpts"]) == 97


@pytest.mark.parametrize(
    ("name", "changes", "result"),
    [
        ("send_batch", {"userid": ""}, -100001),
        ("send_batch", {"pwd": "x"}, -100001),
        ("send_batch", {"timestamp": "0101000000"}, -100001),
        ("send_batch", {"timestamp": "x"}, -100001),
        ("send_batch", {"mobile": ""}, -100012),
        ("send_batch", {"mobile": f"{GOOD},x"}, -100012),
        ("send_batch", {"mobile": f"{GOOD},12345678901"}, -100012),
        ("send_batch", {"mobile": ",".join([GOOD] * 1001)}, -100014),
        ("send_batch", {"content": ""}, -100106),
        ("send_batch", {"content": "%ff"}, -100106),
        ("send_batch", {"content": "文"}, -100093),
        ("send_batch", {"content": quote("文" * 1001)}, -100011),
        ("batch_send", {"content": "a" * 351}, -100011),
        ("send_multi", {"multimt": []}, -100014),
        ("send_multi", {"multimt": [5]}, -100093),
        ("send_multi", {"multimt": [{"mobile": GOOD, "content": "a"}] * 501}, -100014),
        ("multi_send", {"multimt": [{"mobile": GOOD, "content": "a"}] * 101}, -100014),
        ("multi_send", {"multimt": [{"mobile": GOOD}]}, -100106),
    ],
)
def test_what_breaks_a_rule_gets_the_vendors_code_and_sends_nothing(
    box: Sandbox, name: str, changes: dict[str, Any], result: int
) -> None:
    body = {
        **PLAIN,
        "mobile": GOOD,
        "content": "a" * 350,
        "multimt": [{"mobile": GOOD, "content": "a"}],
    }
    assert ask(box, name, {**body, **changes})["result"] == result
    assert box.sends(GOOD) == 0
    assert ask(box, name, body)["result"] == 0
    assert box.sends(GOOD) == 1


def test_requests_that_are_none_are_refused(box: Sandbox) -> None:
    assert ask(box, "send_batch", [])["result"] == -100093
    assert box.ask("POST", "/montnets/sms/v2/std/send_batch", data="{").json()["result"] == -100093
    assert box.ask("POST", "/montnets/nowhere").status_code == 404
    with pytest.raises(Rejected, match="100011"):
        send(box, GOOD, text="文" * 1001)
