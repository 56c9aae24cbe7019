from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.domain.errors import ProviderError, Rejected
from chalicelib.domain.provider_io import Account, Answer, OutgoingCall, Receipt, Recipient
from chalicelib.providers.sms.chuanglan import Chuanglan
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http
from tests.liveness import HANG, PATIENCE, eventually
from tests.providers.sandboxes import Sandbox, running, webhook

HTTP = Http(Policy(("127.0.0.1",)), timeout=PATIENCE)
CREDENTIALS = {"account": "key", "password": "secret"}
GOOD = "13800001234"


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with running("--late", "1", "--timeout-hang", str(HANG)) as sandbox:
        yield sandbox


@pytest.fixture
def box(started: Sandbox) -> Sandbox:
    started.clear()
    started.register("chuanglan", "key", webhook_url=None)
    return started


def session(box: Sandbox):
    account = Account("sms", CREDENTIALS, {"base_url": f"{box.url}/chuanglan", "signature": "商店"})
    return Chuanglan(HTTP).connect(account)


def send(box: Sandbox, *contacts: str, text: str = "文") -> Answer:
    with session(box) as opened:
        return opened.send(
            OutgoingCall("m", [Recipient(contact, {"content": text}) for contact in contacts])
        )


def poll(box: Sandbox) -> Any:
    with session(box) as opened:
        return opened.poll({})


def ask(box: Sandbox, path: str, body: Any) -> Any:
    return box.ask("POST", f"/chuanglan{path}", json=body).json()


def test_links_of_ones_own_reach_each_number(box: Sandbox) -> None:
    with webhook() as page, session(box) as opened:
        urls = {
            contact: page.url.replace("/hook", f"/l/{contact}") for contact in (GOOD, "13800000009")
        }
        recipients = [
            Recipient(contact, {"content": f"看 {url} 。"}) for contact, url in urls.items()
        ]
        opened.send(OutgoingCall("m", recipients))
        assert box.get("inbox", contact=GOOD)["messages"][0]["content"] == {
            "msg": f"【商店】看 {urls[GOOD]} 。"
        }
        eventually(lambda: page.seen)
        assert page.seen[0].path.startswith("/l/13800000009")
    assert [call["endpoint"] for call in box.get("calls")["calls"]] == ["POST /msg/variable/json"]


def test_a_poll_brings_500_reports_in_five_questions(box: Sandbox) -> None:
    for start in (1000, 1300):
        send(box, *(f"138{n:08d}" for n in range(start, start + 300)))
    eventually(lambda: box.get("receipts")["chuanglan"]["pending"] == 0)
    assert [len(poll(box)), len(poll(box))] == [500, 100]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"account": ""}, "101"),
        ({"password": "x"}, "102"),
        ({"phone": ""}, "108"),
        ({"phone": ",".join([GOOD] * 1001)}, "108"),
        ({"phone": f"{GOOD},12"}, "107"),
        ({"phone": f"{GOOD},12345678901"}, "107"),
        ({"msg": ""}, "106"),
        ({"msg": "【商店】" + "文" * 533}, "106"),
        ({"msg": "文"}, "116"),
    ],
)
def test_what_breaks_a_rule_gets_the_vendors_code_and_sends_nothing(
    box: Sandbox, changes: dict[str, str], code: str
) -> None:
    body = {**CREDENTIALS, "msg": "【商店】" + "文" * 532, "phone": GOOD}
    assert ask(box, "/msg/v1/send/json", {**body, **changes})["code"] == code
    assert box.sends(GOOD) == 0
    assert ask(box, "/msg/v1/send/json", body)["code"] == "0"
    assert box.sends(GOOD) == 1


def test_requests_that_are_none_are_refused(box: Sandbox) -> None:
    assert ask(box, "/msg/v1/send/json", [])["code"] == "130"
    for params in ("", GOOD, f"{GOOD},a,b"):
        assert (
            ask(
                box,
                "/msg/variable/json",
                {**CREDENTIALS, "msg": "【商店】{$var}", "params": params},
            )["code"]
            == "130"
        )
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
    assert not any(isinstance(receipt, Receipt) for receipt in poll(box))
