"""Receipts: providers call their webhook, which is found by its token."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib import wiring
from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import Webhook, WebhookRequest
from tests import builders
from tests.entrypoints.conftest import Api


class Listening:
    """A provider that keeps what it is asked to read, and says what a test wants."""

    def __init__(self, real: Any) -> None:
        self.capabilities, self.webhook_secret = real.capabilities, real.webhook_secret
        self.seen: list[WebhookRequest] = []
        self.says: Webhook | Exception = Webhook((), "the reply")

    def read_webhook(self, request: WebhookRequest, secret: Any) -> Webhook:
        self.seen.append(request)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


@pytest.fixture
def listening(api: Api) -> Listening:
    provider = Listening(api.fake.providers.of("push"))
    api.fake.settings.put_channel(builders.a_channel("push"))
    api.fake.providers._by_platform["push"] = provider  # type: ignore[assignment]
    wiring.use(replace(api.world, providers=api.fake.providers))
    return provider


PATH = f"/receipts/push/{builders.WEBHOOK_TOKEN}"


@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded", "text/plain", "text/xml", "x"]
)
def test_a_webhook_gets_the_exact_bytes_whatever_their_type(
    api: Api, listening: Listening, kind: str
) -> None:
    body = b'{"a": 1,\n "\\u4e2d": "\xe4\xb8\xad"}  '
    reply = api(
        "POST",
        f"{PATH}?{urlencode({'nonce': 'a b', 't': '1'})}",
        raw=body,
        headers={"Content-Type": kind, "X-Signature": "s"},
    )
    assert (reply.status, reply.body, reply.headers["Content-Type"]) == (
        200,
        b"the reply",
        "text/plain; charset=utf-8",
    )
    seen = listening.seen[0]
    assert (seen.method, seen.body, dict(seen.query), seen.now) == (
        "POST",
        body,
        {"nonce": "a b", "t": "1"},
        api.fake.clock.now(),
    )
    assert (seen.headers["content-type"], seen.headers["x-signature"]) == (kind, "s")


def test_a_reply_has_the_media_type_that_the_provider_reads(api: Api, listening: Listening) -> None:
    listening.says = Webhook((), '{"code": 0}', media="application/json")
    reply = api("POST", PATH, raw=b"")
    assert (reply.status, reply.body, reply.headers["Content-Type"]) == (
        200,
        b'{"code": 0}',
        "application/json; charset=utf-8",
    )


def test_a_get_proves_that_we_are_here(api: Api, listening: Listening) -> None:
    assert api("GET", f"{PATH}?echostr=571f").status == 200
    assert (listening.seen[0].method, dict(listening.seen[0].query)) == ("GET", {"echostr": "571f"})


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(Unverified("signature"), 403, 4005), (Invalid("body", "is no JSON"), 400, 4004)],
)
def test_what_cannot_be_verified_or_read(
    api: Api,
    listening: Listening,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    status: int,
    code: int,
) -> None:
    listening.says = error
    reply = api("POST", PATH, {})
    assert (reply.status, reply.code) == (status, code)
    assert ('"webhook_unverified":1' in capsys.readouterr().out) is (status == 403), (
        "an alarm counts them"
    )


@pytest.mark.parametrize(
    "path",
    [
        f"{PATH}x",
        "/receipts/push/%20",
        f"/receipts/other/{builders.WEBHOOK_TOKEN}",
        f"/receipts/{'k' * 3000}/x",
        "/receipts/p%00/x",
        f"{PATH}{'x' * 3000}",
    ],
)
def test_without_the_token_there_is_no_webhook(api: Api, listening: Listening, path: str) -> None:
    reply = api("POST", path, {})
    assert (reply.status, reply.code, listening.seen) == (404, 4004, [])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_umss_own_addresses_lead_to_the_same(api: Api, listening: Listening, method: str) -> None:
    reply = api(method, f"/v1/app/callback/push/{builders.WEBHOOK_TOKEN}?echostr=1", raw=b"x")
    assert (reply.status, reply.body, reply.headers["Content-Type"]) == (
        200,
        b"the reply",
        "text/plain; charset=utf-8",
    )
    assert (listening.seen[0].method, dict(listening.seen[0].query)) == (method, {"echostr": "1"})


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/sms/callback/push/{builders.WEBHOOK_TOKEN}",
        f"/v1/fax/callback/push/{builders.WEBHOOK_TOKEN}",
        "/v1/app/callback/push/x",
        f"/v1/app/callback/other/{builders.WEBHOOK_TOKEN}",
        f"/v1/app/callback/p%00/{builders.WEBHOOK_TOKEN}",
        "/v1/fax/callback",
    ],
)
def test_another_type_code_or_token_leads_nowhere(
    api: Api, listening: Listening, path: str
) -> None:
    reply = api("POST", path, {})
    assert (reply.status, reply.code, listening.seen) == (404, 4004, [])


@pytest.mark.parametrize("type", ["app", "wechatoa", "sms", "alipay_life", "alipaylife"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_address_without_code_and_token_says_which_form_is_right(
    api: Api, listening: Listening, type: str, method: str
) -> None:
    """Though there is just one channel of the type."""
    reply = api(method, f"/v1/{type}/callback", raw=b"{}")
    assert (reply.status, reply.code, listening.seen) == (404, 4004, [])
    assert f"/v1/{type}/callback/{{code}}/{{token}}" in reply.json["message"]


def test_an_over_large_webhook_is_refused(api: Api, listening: Listening) -> None:
    assert api("POST", PATH, raw=b"x" * 6_000_001).status == 413
