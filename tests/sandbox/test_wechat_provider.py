"""The WeChat providers against the running sandbox: both speak the same protocol."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from chalicelib.domain.errors import Misconfigured, Throttled, Unavailable, Uncertain
from chalicelib.domain.provider_io import (
    Account,
    Loss,
    OutgoingCall,
    ReceiptKind,
    Recipient,
    Webhook,
    WebhookRequest,
)
from chalicelib.providers.tokens import LEASE, AccessTokens, MemoryTokens
from chalicelib.providers.wechat.mini_program import MiniProgram
from chalicelib.providers.wechat.official_account import OfficialAccount
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http
from tests.liveness import GIVES_UP, HANG, PATIENCE, eventually
from tests.providers.sandboxes import Sandbox, Seen, running, webhook

POLICY = Policy(("127.0.0.1",))
KEYS = {"callback_token": "tok", "encoding_aes_key": "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"}
OWN = {"app_id": "wx1", "app_secret": "secret", **KEYS}
AUTHORISED = {"app_id": "wx2", "component_app_id": "wxc", "component_app_secret": "secret", **KEYS}
DATA = {"thing1": {"value": "tea"}}
TEMPLATE, NOTICE = ({"type": kind, "template_id": "tpl", "data": DATA} for kind in (0, 1))
MINI = {"template_id": "tpl", "data": DATA}


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with running("--retry-after", "3", "--timeout-hang", str(HANG)) as sandbox:
        yield sandbox


@pytest.fixture
def box(started: Sandbox) -> Sandbox:
    started.clear()
    started.register("wechat", "wx1", templates="tpl:thing1")
    return started


def call(content: Mapping[str, Any], contact: str, token: str | None = None) -> OutgoingCall:
    return OutgoingCall("m", [Recipient(contact, content, "m.0.0")], token)


def account(box: Sandbox, raw: Mapping[str, Any] = OWN) -> Account:
    return Account("oa", raw, {"base_url": f"{box.url}/wechat"})


class Clock:
    """The time, moved ahead by a test's waits."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def tokens(clock: Clock | None = None) -> AccessTokens:
    clock = clock or Clock()
    return AccessTokens(MemoryTokens(clock), clock, lambda seconds: None)


def received(seen: Seen) -> WebhookRequest:
    query = dict(parse_qsl(urlsplit(seen.path).query))
    return WebhookRequest(
        seen.method, seen.headers, query, seen.body.encode(), int(time.time() * 1000)
    )


def test_messages_go_out_outlive_a_token_and_are_reported(box: Sandbox) -> None:
    provider = OfficialAccount(Http(POLICY), tokens())
    secret = provider.webhook_secret(OWN)
    with webhook() as hook, provider.connect(account(box)) as session:
        hook.says = lambda seen: provider.read_webhook(received(seen), secret).reply
        registered = {"webhook_url": hook.url, "templates": "tpl:thing1", "verify": True, **KEYS}
        assert box.register("wechat", "wx1", **registered).status_code == 200
        session.check()
        first = session.send(call(TEMPLATE, "a", session.token()))
        box.register("wechat", "wx1", **registered)  # ends the token
        blocked = session.send(call(TEMPLATE, "b-undelivered", session.token()))
        notice = session.send(call(NOTICE, "c"))
        (undeliverable,) = session.send(call(TEMPLATE, "d-reject", session.token())).outcomes
        assert (undeliverable.loss, undeliverable.code, undeliverable.undeliverable) == (
            Loss.INVALID_TARGET,
            "43004",
            True,
        )
        (refused,) = session.send(call(NOTICE, "d-reject")).outcomes
        assert (refused.loss, refused.code, refused.undeliverable) == (
            Loss.INVALID_TARGET,
            "43101",
            False,
        )
        eventually(lambda: len([seen for seen in hook.seen if seen.method == "POST"]) == 3)
        posts = [seen for seen in hook.seen if seen.method == "POST"]
        receipts = {}
        for seen in posts:
            for receipt in provider.read_webhook(received(seen), secret).receipts:
                receipts[receipt.contact] = receipt
        assert receipts["a"].provider_id == first.outcomes[0].provider_id
        assert (receipts["a"].kind, receipts["c"].kind) == (
            ReceiptKind.DELIVERED,
            ReceiptKind.DELIVERED,
        )
        assert (receipts["b-undelivered"].kind, receipts["b-undelivered"].code) == (
            ReceiptKind.DELIVERY_FAILED,
            "user_block",
        )
        assert receipts["b-undelivered"].provider_id == blocked.outcomes[0].provider_id
        assert receipts["c"].provider_id in notice.outcomes[0].provider_id.split("|")
        box.ask("POST", "/wechat/_console/unfollow", json={"app_id": "wx1", "openid": "a"})
        eventually(lambda: len(hook.seen) == 5 + registered["verify"])
        (reply,) = provider.read_webhook(received(hook.seen[-1]), secret).replies
        assert (reply.contact, reply.text) == ("a", "unsubscribe")


def test_the_same_call_again_reaches_a_person_once(box: Sandbox) -> None:
    kept = tokens()
    hasty, patient = (
        OfficialAccount(Http(POLICY, timeout=seconds), kept).connect(account(box))
        for seconds in (GIVES_UP, PATIENCE)
    )
    with hasty as session, patient as other:
        token = session.token()
        with pytest.raises(Uncertain):
            session.send(call(TEMPLATE, "u-timeout", token))
        assert other.send(call(TEMPLATE, "u-timeout", token)).outcomes[0].provider_id
        assert box.outcomes("u-timeout") == ["timeout", "duplicate"]
        assert box.sends("u-timeout") == 1


@pytest.mark.parametrize(
    ("behaviour", "expected"), [("flaky", Unavailable), ("throttle", Throttled)]
)
def test_troubles_that_pass_are_understood(
    box: Sandbox, behaviour: str, expected: type[Unavailable]
) -> None:
    for n, (provider, content) in enumerate(
        (
            (OfficialAccount(Http(POLICY), tokens()), TEMPLATE),
            (MiniProgram(Http(POLICY), tokens()), MINI),
        )
    ):
        with provider.connect(account(box)) as session:
            with pytest.raises(Unavailable) as caught:
                session.send(call(content, f"u{n}-{behaviour}"))
            assert type(caught.value) is expected
            assert caught.value.retry_after == (3.0 if expected is Throttled else None)
            assert session.send(call(content, f"u{n}-{behaviour}")).outcomes[0].loss is None


def test_a_wrong_secret_is_misconfigured(box: Sandbox) -> None:
    clock = Clock()
    with OfficialAccount(Http(POLICY), tokens(clock)).connect(
        account(box, {**OWN, "app_secret": "x"})
    ) as session:
        for ask in (session.check, session.access_token, lambda: session.send(call(TEMPLATE, "a"))):
            with pytest.raises(Misconfigured, match="40125"):
                ask()
            clock.ahead += LEASE  # so long, a failed request keeps others from asking


def test_an_account_is_authorised_by_scanning_used_withdrawn_and_authorised_again(
    box: Sandbox,
) -> None:
    clock = Clock()
    kept = tokens(clock)
    provider = OfficialAccount(Http(POLICY), kept, component=True)
    secret = provider.webhook_secret(AUTHORISED)
    with webhook() as hook, provider.connect(account(box, AUTHORISED)) as session:
        box.register("wechat", "wxc", webhook_url=f"{hook.url}&appid=$APPID$", **KEYS)

        def take(count: int) -> Webhook:
            """Keep the tokens of a post, as the API does."""
            eventually(lambda: len(hook.seen) == count)
            webhook_result = provider.read_webhook(received(hook.seen[-1]), secret)
            for name, token in webhook_result.kept.items():
                kept.keep(name, token)
            return webhook_result

        def console(what: str, **body: str) -> None:
            box.ask(
                "POST", f"/wechat/_console/{what}", json={"component": "wxc", **body}
            ).raise_for_status()

        console("ticket")
        take(1)
        with pytest.raises(Misconfigured, match="61003"):
            session.check()
        clock.ahead += LEASE
        link = dict(
            parse_qsl(urlsplit(session.authorisation_link("https://ums.example/done")).query)
        )
        console("scan", app_id="wx2", pre_auth_code=link["pre_auth_code"])
        take(2)
        sent = session.send(call(TEMPLATE, "a", session.token()))
        (receipt,) = take(3).receipts
        assert (receipt.provider_id, receipt.kind) == (
            sent.outcomes[0].provider_id,
            ReceiptKind.DELIVERED,
        )
        box.register("wechat", "wx2")  # ends the token: it is refreshed
        assert session.send(call(TEMPLATE, "b", session.token())).outcomes[0].provider_id
        take(4)
        console("withdraw", app_id="wx2")
        take(5)
        with pytest.raises(Misconfigured, match="61003"):
            session.send(call(TEMPLATE, "c", session.token()))
        clock.ahead += LEASE
        console("scan", app_id="wx2")
        take(6)
        assert session.send(call(TEMPLATE, "c", session.token())).outcomes[0].provider_id
        assert session.access_token() is None
