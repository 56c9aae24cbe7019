"""The project's own providers against the sandbox: both speak the same protocol."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from chalicelib.domain.errors import Misconfigured, Throttled, Unavailable
from chalicelib.domain.provider_io import (
    Account,
    Loss,
    OutgoingCall,
    ReceiptKind,
    Recipient,
    WebhookRequest,
)
from chalicelib.providers.app.jpush import JPush
from chalicelib.providers.dingtalk.dingtalk import DingTalk
from chalicelib.providers.email.smtp import Smtp
from chalicelib.providers.sms.jsms import Jsms
from chalicelib.providers.tokens import AccessTokens, MemoryTokens
from chalicelib.providers.wecom.linkedcorp import LinkedCorp
from chalicelib.providers.wecom.wecom import WeCom
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http
from tests.liveness import eventually
from tests.providers.sandboxes import Sandbox, Seen, running, webhook

POLICY = Policy(("127.0.0.1",))
CREDENTIALS = {"app_key": "key", "master_secret": "secret"}


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with running("--retry-after", "3") as sandbox:
        yield sandbox


@pytest.fixture
def box(started: Sandbox) -> Sandbox:
    started.clear()
    for provider in ("jpush", "jsms"):
        started.register(provider, "key", webhook_url=None, report_interval=0)
    return started


def call(content: Mapping[str, Any], *contacts: str, token: str | None = None) -> OutgoingCall:
    return OutgoingCall(
        "m", [Recipient(contact, content, f"m.0.{n}") for n, contact in enumerate(contacts)], token
    )


def received(seen: Seen) -> WebhookRequest:
    query = dict(parse_qsl(urlsplit(seen.path).query))
    return WebhookRequest(
        seen.method, seen.headers, query, seen.body.encode(), int(time.time() * 1000)
    )


def test_jpush_sends_polls_and_reads_receipts(box: Sandbox) -> None:
    provider = JPush(Http(POLICY))
    account = Account("app", CREDENTIALS, {"base_url": f"{box.url}/jpush"})
    with webhook() as hook, provider.connect(account) as session:
        box.register("jpush", "key", webhook_url=hook.url)
        token = session.token()
        push = call({"alert": "hi"}, "a-click", "b-undelivered", "c-reject", token=token)
        answer = session.send(push)
        assert session.send(push) == answer
        assert box.sends("a-click") == 1
        eventually(lambda: len(hook.events()) == 3)
        secret = provider.webhook_secret(CREDENTIALS)
        receipts = []
        for seen in hook.seen:
            receipts += provider.read_webhook(received(seen), secret).receipts
        assert {(receipt.contact, receipt.kind) for receipt in receipts} == {
            ("a-click", ReceiptKind.DELIVERED),
            ("a-click", ReceiptKind.CLICKED),
            ("b-undelivered", ReceiptKind.DELIVERY_FAILED),
        }
        assert {receipt.provider_id for receipt in receipts} == {answer.provider_id}
        polled = session.poll({answer.provider_id: ["a-click", "b-undelivered", "c-reject"]})
        assert {receipt.contact: receipt.kind for receipt in polled} == {
            "a-click": ReceiptKind.DELIVERED,
            "c-reject": ReceiptKind.DELIVERY_FAILED,
        }


def test_jsms_sends_polls_and_reads_receipts(box: Sandbox) -> None:
    provider = Jsms(Http(POLICY))
    content = {"temp_id": 1, "sign_id": 2, "temp_para": {"code": "7"}}
    with provider.connect(Account("sms", CREDENTIALS, {"base_url": f"{box.url}/jsms"})) as session:
        taken, refused = session.send(call(content, "13800001234", "13800000001")).outcomes
        assert (taken.loss, refused.loss, refused.code) == (None, Loss.INVALID_TARGET, "50006")
        (receipt,) = eventually(lambda: session.poll({}))
        assert (receipt.provider_id, receipt.kind, receipt.contact) == (
            taken.provider_id,
            ReceiptKind.DELIVERED,
            "13800001234",
        )
        with webhook() as hook:
            assert box.register("jsms", "key", webhook_url=hook.url, verify=True).status_code == 200
            secret = provider.webhook_secret(CREDENTIALS)
            assert provider.read_webhook(received(hook.seen[0]), secret).reply
            session.send(call(content, "13800000002"))
            eventually(lambda: len(hook.seen) == 2)
            (receipt,) = provider.read_webhook(received(hook.seen[1]), secret).receipts
            assert (receipt.kind, receipt.code) == (ReceiptKind.DELIVERY_FAILED, "4003")


@pytest.mark.parametrize(("digits", "expected"), [("0005", Unavailable), ("0008", Throttled)])
def test_jsms_and_jpush_understand_troubles_that_pass(
    box: Sandbox, digits: str, expected: type[Unavailable]
) -> None:
    http = Http(POLICY)
    sms, app = (
        Account("sms", CREDENTIALS, {"base_url": f"{box.url}/jsms"}),
        Account("app", CREDENTIALS, {"base_url": f"{box.url}/jpush"}),
    )
    for provider, account, content in (
        (Jsms(http), sms, {"temp_id": 1}),
        (JPush(http), app, {"alert": "hi"}),
    ):
        with provider.connect(account) as session:
            with pytest.raises(Unavailable) as caught:
                session.send(call(content, f"1380000{digits}"))
            assert type(caught.value) is expected
            assert caught.value.retry_after == (3.0 if expected is Throttled else None)
            assert session.send(call(content, f"1380000{digits}")).outcomes[0].loss is None


@pytest.mark.parametrize("encryption", ["none", "tls", "starttls"])
def test_mail_goes_through_every_listener(box: Sandbox, encryption: str) -> None:
    port = box.about[{"none": "smtp", "tls": "smtps", "starttls": "starttls"}[encryption] + "_port"]
    options = {
        "server": "127.0.0.1",
        "port": port,
        "encryption": encryption,
        "sender": "news@corp.example",
    }
    options["ca"] = box.ask("GET", "/_sandbox/certificate").text
    account = Account("mail", {"username": "u", "password": "p"}, options)
    with Smtp(POLICY).connect(account) as session:
        contacts = ("a@example.com", "b-reject@example.com", f"c{encryption}-flaky@example.com")
        taken, refused, later = session.send(
            call({"subject": "Hi", "text": "there"}, *contacts)
        ).outcomes
    assert (taken.loss, refused.loss, later.later) == (None, Loss.INVALID_TARGET, True)
    (message,) = box.get("inbox", contact="a@example.com")["messages"]
    assert message["provider_id"] == "<m.0.0@corp.example>"


TEXT_CARD = {
    "msgtype": "textcard",
    "textcard": {"title": "t", "description": "d", "url": "https://a.example"},
}
CORPORATION = {"corp_id": "ww1", "agent_id": 7, "secret": "secret"}


def test_wecom_sends_recalls_and_outlives_its_token(box: Sandbox) -> None:
    box.register("wecom", "ww1", agent_id="7")
    account = Account("wk", CORPORATION, {"base_url": f"{box.url}/wecom"})
    content = TEXT_CARD
    with WeCom(Http(POLICY), AccessTokens(MemoryTokens())).connect(account) as session:
        session.check()
        token = session.token()
        answer = session.send(call(content, "Ann", "Bob-reject", "a|b", token=token))
        assert [outcome.code for outcome in answer.outcomes] == ["", "invaliduser", "malformed_id"]
        box.register("wecom", "ww1", agent_id="7")  # ends the token
        assert session.send(call(content, "Ann", "Bob-reject", "a|b", token=token)) == answer
        assert box.outcomes("Ann") == ["accepted", "duplicate"]
        session.send(call(content, "Ann", "Bob-reject", "a|b", token=session.token()))
        assert box.sends("Ann") == 2
        assert session.recall(answer.provider_id, ["Ann"])[0].loss is None
        assert session.recall(answer.provider_id, ["Ann"])[0].code == "40058"
        assert session.send(call(content, "x-reject", "y-reject")).outcomes[1].code == "81013"
        assert session.access_token() is not None


def test_wecom_sends_to_linked_corporations(box: Sandbox) -> None:
    box.register("wecom", "ww1", agent_id="7")
    account = Account("wk", CORPORATION, {"base_url": f"{box.url}/wecom"})
    with LinkedCorp(Http(POLICY), AccessTokens(MemoryTokens())).connect(account) as session:
        taken, refused = session.send(call(TEXT_CARD, "ww2/ann", "ww2/bob-reject")).outcomes
        assert (taken.loss, refused.loss) == (None, Loss.INVALID_TARGET)


def test_wecom_refuses_a_wrong_secret(box: Sandbox) -> None:
    # A registration sets the secret that the account's tokens need.
    box.register("wecom", "ww1", agent_id="7")
    wrong = Account("wrong", {**CORPORATION, "secret": "x"}, {"base_url": f"{box.url}/wecom"})
    with (
        WeCom(Http(POLICY), AccessTokens(MemoryTokens())).connect(wrong) as session,
        pytest.raises(Misconfigured),
    ):
        session.check()


def test_dingtalk_sends_polls_recalls_and_outlives_its_token(box: Sandbox) -> None:
    box.register("dingtalk", "key", agent_id="7", receipt_delay=0)
    account = Account(
        "dt",
        {"agent_id": 7, "app_key": "key", "app_secret": "secret"},
        {"base_url": f"{box.url}/dingtalk"},
    )
    users = ["a", "b-reject", "c-undelivered", "d-silent"]
    with DingTalk(Http(POLICY), AccessTokens(MemoryTokens())).connect(account) as session:
        session.check()
        answer = session.send(call({"text": "hi"}, *users))
        assert all(outcome.loss is None for outcome in answer.outcomes)
        box.register("dingtalk", "key", agent_id="7", receipt_delay=0)  # ends the token
        polled = {
            receipt.contact: (receipt.kind, receipt.code, receipt.undeliverable)
            for receipt in session.poll({answer.provider_id: users})
        }
        assert polled == {
            "a": (ReceiptKind.DELIVERED, "", False),
            "b-reject": (ReceiptKind.DELIVERY_FAILED, "invalid_user", True),
            "c-undelivered": (ReceiptKind.DELIVERY_FAILED, "failed", False),
        }
        again = session.send(call({"text": "hi"}, "a"))
        (refused,) = session.poll({again.provider_id: ["a"]})
        assert refused.code == "143106"
        assert session.recall(answer.provider_id, users)[0].loss is None
        assert session.recall(answer.provider_id, users)[0].code == "not_recalled"
        assert session.poll({answer.provider_id: users}) == []


@pytest.mark.parametrize(
    ("behaviour", "expected"), [("flaky", Unavailable), ("throttle", Throttled)]
)
def test_wecom_and_dingtalk_understand_troubles_that_pass(
    box: Sandbox, behaviour: str, expected: type[Unavailable]
) -> None:
    http, tokens = Http(POLICY), AccessTokens(MemoryTokens())
    corp = CORPORATION
    text = {"msgtype": "text", "text": {"content": "hi"}}
    work = {"base_url": f"{box.url}/wecom"}
    ding = Account(
        "dt",
        {"agent_id": 7, "app_key": "key", "app_secret": "secret"},
        {"base_url": f"{box.url}/dingtalk"},
    )
    for provider, account, content, contact in (
        (WeCom(http, tokens), Account("wk", corp, work), text, f"u-{behaviour}"),
        (LinkedCorp(http, tokens), Account("lc", corp, work), text, f"ww2/u-{behaviour}"),
        (DingTalk(http, tokens), ding, {"text": "hi"}, f"u-{behaviour}"),
    ):
        with provider.connect(account) as session:
            with pytest.raises(Unavailable) as caught:
                session.send(call(content, contact))
            assert type(caught.value) is expected
            assert caught.value.retry_after == (3.0 if expected is Throttled else None)
            assert session.send(call(content, contact)).outcomes[0].loss is None


KEYS = {
    "callback_token": "tok",
    "encoding_aes_key": "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
}
BUTTON_CARD = {
    "card_type": "button_interaction",
    "main_title": {"title": "ok?"},
    "button_list": [{"text": "yes", "key": "yes"}],
}


def test_wecom_proves_its_address_and_reads_a_click_on_a_cards_button(box: Sandbox) -> None:
    credentials = {**CORPORATION, **KEYS}
    provider = WeCom(Http(POLICY), AccessTokens(MemoryTokens()))
    secret = provider.webhook_secret(credentials)
    account = Account("wk", credentials, {"base_url": f"{box.url}/wecom"})
    with webhook() as hook, provider.connect(account) as session:
        hook.says = lambda seen: provider.read_webhook(received(seen), secret).reply
        options = {"agent_id": "7", "webhook_url": hook.url, "verify": True, **KEYS}
        assert box.register("wecom", "ww1", **options).status_code == 200
        content = {"msgtype": "template_card", "template_card": BUTTON_CARD}
        sent = session.send(call(content, "u-click", "v", token=session.token()))
        eventually(lambda: len(hook.seen) == 2)
        (receipt,) = provider.read_webhook(received(hook.seen[1]), secret).receipts
        assert (receipt.kind, receipt.contact) == (ReceiptKind.CLICKED, "u-click")
        assert receipt.provider_id in sent.provider_id.split(" ")
        assert session.recall(sent.provider_id, ["u-click", "v"])[0].loss is None
