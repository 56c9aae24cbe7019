from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib import wiring
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Webhook, WebhookRequest
from chalicelib.flow import receipts
from chalicelib.flow.content import email, render
from tests import builders
from tests.entrypoints.conftest import KEY, SENDER, Api, message


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


def sent_with_a_link(api: Api, address: str) -> str:
    """The token of the link in a message to one user."""
    mail = {
        "name": "Mail",
        "code": "mail1",
        "type": "email",
        "platform": "smtp",
        "credentials": {"username": "u", "password": "p"},
        "options": {"server": "smtp.example.com", "sender": "a@example.com"},
    }
    made = api.admin("POST", "channels", mail)
    assert made.status == 201, made.body
    assert made.json["webhook_url"] is None
    api.admin("PUT", f"access-channels/{KEY}/channels/mail1", {"enabled": True})
    contents = {"email": {"subject": "Hello", "text": "See {{url}}"}}
    number = api.admin(
        "POST", "templates", {"channel_key": KEY, "name": "t", "contents": contents}
    ).json["template_id"]
    assert api.users([{"userid": "u", "email": {"all": "u@example.com"}}]).code == 0
    body = message(
        aud_userid=["u"],
        template_id=number,
        template_para={"url": address},
        app_para=...,
        rule_id=...,
    )
    msgid = api.send(body).json["msgid"]
    stored = api.world.messages.get(msgid)
    assert stored is not None
    return render.link_token(
        api.world.vault, stored, ChunkId(msgid, 0), DeliveryRef(0, "mail1", 0), "url"
    )


BROWSER = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)"}


def clicks(api: Api) -> list[str]:
    return [fact.kind.value for chunk in api.fake.ledger.partitions for fact in read(api, chunk)]


def read(api: Api, at: Any) -> Any:
    chunk = api.fake.ledger.chunk(at)
    return chunk.reported if chunk else ()


def test_a_link_leads_on_and_is_never_cached(api: Api) -> None:
    reply = api(
        "GET",
        "/l/" + sent_with_a_link(api, "https://shop.example.com/a?b=c&d=%20#e"),
        headers=BROWSER,
    )
    assert (reply.status, reply.headers["Location"]) == (
        302,
        "https://shop.example.com/a?b=c&d=%20#e",
    )
    assert reply.headers["Cache-Control"] == "no-store"
    assert clicks(api) == ["clicked"]


def test_a_program_that_looks_at_a_link_does_not_click(api: Api) -> None:
    token = sent_with_a_link(api, "https://shop.example.com/")
    reply = api("HEAD", f"/l/{token}")
    assert (reply.status, reply.headers["Cache-Control"], clicks(api)) == (200, "no-store", [])


def test_a_scanner_that_follows_a_link_is_counted_apart(api: Api) -> None:
    token = sent_with_a_link(api, "https://shop.example.com/")
    for agent in ("curl/8.0", "Mozilla/5.0 (compatible; Googlebot/2.1)"):
        assert api("GET", f"/l/{token}", headers={"User-Agent": agent}).status == 302
    assert clicks(api) == ["scanned"]
    assert api("GET", f"/l/{token}", headers=BROWSER).status == 302
    assert sorted(clicks(api)) == ["clicked", "scanned"]


def unsubscribe_path(api: Api, contact: str = "u@example.com") -> str:
    return "/u/" + email.unsubscribe_token(api.world.vault, ChannelType.EMAIL, KEY, contact)


def opted(api: Api) -> Any:
    return api.world.audiences.opt_outs({ChannelType.EMAIL: ["u@example.com"]})[ChannelType.EMAIL]


def test_a_program_that_follows_the_way_out_does_not_opt_out(api: Api) -> None:
    reply = api("GET", unsubscribe_path(api))
    assert (reply.status, reply.headers["Content-Type"], reply.headers["Cache-Control"]) == (
        200,
        "text/html; charset=utf-8",
        "no-store",
    )
    assert b'<form method="post">' in reply.body
    assert b"u@example.com" not in reply.body
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert opted(api) == {}


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
            b"One-Click\r\n--b--",
        ),
    ],
)
def test_one_click_opts_out(api: Api, kind: str, raw: bytes) -> None:
    for _ in range(2):
        reply = api("POST", unsubscribe_path(api), raw=raw, headers={"Content-Type": kind})
        assert (reply.status, b"<form" in reply.body) == (200, False)
    assert set(opted(api)["u@example.com"]) == {KEY}


def test_a_post_that_does_not_say_so_opts_nobody_out(api: Api) -> None:
    assert api("POST", unsubscribe_path(api), raw=b"").status == 400
    assert api("POST", unsubscribe_path(api), raw=b"One-Click" * 1000).status == 413
    assert opted(api) == {}


@pytest.mark.parametrize(
    "path", ["/u/x", "/o/x", "/u/" + "A" * 3000, "/o/" + "A" * 36, "/u/%00", "/o/%FF", "/u/é"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_tokens_that_we_did_not_make(api: Api, method: str, path: str) -> None:
    if method == "POST" and path.startswith("/o/"):
        return
    reply = api(method, path, raw=b"List-Unsubscribe=One-Click", headers=BROWSER)
    assert (reply.status, reply.code) == (404, 4004)


def test_a_picture_counts_who_opens_a_mail_and_never_says_more(api: Api) -> None:
    sent_with_a_link(api, "https://shop.example.com/")
    (message,) = api.fake.messages.stored.values()
    token = render.open_token(
        api.world.vault, message, ChunkId(message.msgid, 0), DeliveryRef(0, "mail1", 0)
    )
    for headers in ({"User-Agent": "curl/8"}, BROWSER, BROWSER):
        reply = api("GET", f"/o/{token}", headers=headers)
        assert (reply.status, reply.headers["Content-Type"], reply.headers["Cache-Control"]) == (
            200,
            "image/gif",
            "no-store",
        )
        assert reply.body.startswith(b"GIF89a")
        assert reply.body.isascii()
        assert api("HEAD", f"/o/{token}", headers=headers).status == 200
    assert clicks(api) == ["opened"]
    told = api("GET", f"/v1/messages/{message.msgid}", auth=SENDER).json
    assert told["funnel"]["channels"]["email"]["opened"] == 1


@pytest.mark.parametrize(
    ("address", "location"),
    [
        ("https://a.cn/商品 1", "https://a.cn/%E5%95%86%E5%93%81%201"),
        ('https://a.cn/"<>\\^`{|}', "https://a.cn/%22%3C%3E%5C%5E%60%7B%7C%7D"),
    ],
)
def test_an_address_cannot_write_headers(api: Api, address: str, location: str) -> None:
    assert api("GET", "/l/" + sent_with_a_link(api, address)).headers["Location"] == location


@pytest.mark.parametrize("token", ["x", "A" * 38, "%00", "%FF", "a" * 3000, "..", "é"])
def test_a_token_that_we_did_not_make_leads_nowhere(api: Api, token: str) -> None:
    reply = api("GET", f"/l/{token}")
    assert (reply.status, reply.code) == (404, 4004)


def test_a_mistake_of_ours_is_no_missing_chunk(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """KeyError is a LookupError too."""

    def broken(*_: Any, **__: Any) -> str:
        raise KeyError("13800138000")

    monkeypatch.setattr(receipts, "follow_link", broken)
    reply = api("GET", "/l/x")
    assert (reply.status, reply.code) == (500, 5000)
    assert "13800138000" not in reply.body.decode()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    failed = next(line for line in lines if line.get("message") == "request_failed")
    assert "builtins.KeyError at " in failed["exception"]
    assert "13800138000" not in json.dumps(lines)
    assert any(line.get("request_failed") == 1 for line in lines)
