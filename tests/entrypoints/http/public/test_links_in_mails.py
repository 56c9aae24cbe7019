"""The addresses in a mail: its links, its way out and its picture."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.plans import ChunkId
from chalicelib.flow.content import email, render
from tests.entrypoints.conftest import KEY, SENDER, Api, message

MAIL = {
    "name": "Mail",
    "code": "mail1",
    "type": "email",
    "platform": "smtp",
    "credentials": {"username": "u", "password": "p"},
    "options": {"server": "smtp.example.com", "sender": "a@example.com"},
}


def sent_with_a_link(api: Api, address: str) -> str:
    """The token of the link in a message to one user."""
    made = api.admin("POST", "channels", MAIL)
    assert made.status == 201, made.body
    assert made.json["webhook_url"].startswith("https://ums.example.com/receipts/mail1/")
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
    at = api.plan(msgid).id
    return render.link_token(api.world.vault, stored, at, DeliveryRef(0, "mail1", 0), "url")


BROWSER = {
    "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15"
}


def clicked(api: Api) -> list[str]:
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
    assert clicked(api) == ["clicked"]


def test_a_program_that_looks_at_a_link_does_not_click(api: Api) -> None:
    token = sent_with_a_link(api, "https://shop.example.com/")
    reply = api("HEAD", f"/l/{token}")
    assert (reply.status, reply.headers["Cache-Control"], clicked(api)) == (200, "no-store", [])


@pytest.mark.parametrize("path", ["/l/", "/o/"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_forged_token_is_found_by_no_method(api: Api, path: str, method: str) -> None:
    for agent in (BROWSER, {"User-Agent": "curl/8.0"}):
        assert api(method, path + "A" * 40, headers=agent).status == 404


def test_a_scanner_that_follows_a_link_is_counted_apart(api: Api) -> None:
    token = sent_with_a_link(api, "https://shop.example.com/")
    for agent in ("curl/8.0", "Mozilla/5.0 (compatible; Googlebot/2.1)", "reqwest/0.11"):
        assert api("GET", f"/l/{token}", headers={"User-Agent": agent}).status == 302
    assert clicked(api) == ["scanned"]
    assert api("GET", f"/l/{token}", headers=BROWSER).status == 302
    assert sorted(clicked(api)) == ["clicked", "scanned"]


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


@pytest.mark.parametrize("words", ["查看", "%E6%9F%A5", "。", ".", ")"])
def test_words_that_a_client_takes_into_a_link_are_ignored(api: Api, words: str) -> None:
    assert api("GET", unsubscribe_path(api) + words).status == 200
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    raw = b"List-Unsubscribe=One-Click"
    assert api("POST", unsubscribe_path(api) + words, raw=raw, headers=form).status == 200
    assert set(opted(api)["u@example.com"]) == {KEY}
    sent_with_a_link(api, "https://shop.example.com/")
    (message,) = api.fake.messages.stored.values()
    ref = DeliveryRef(0, "mail1", 0)
    token = render.open_token(api.world.vault, message, ChunkId(message.msgid, 0), ref)
    assert api("GET", f"/o/{token}{words}", headers=BROWSER).status == 200


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
    assert clicked(api) == ["opened"]
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
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    """KeyError is a LookupError too."""
    api.fake.vault.steps.fail(KeyError("13800138000"), "vault.mac")
    reply = api("GET", "/l/" + "A" * 36)
    assert (reply.status, reply.code) == (500, 5000)
    assert "13800138000" not in reply.body.decode()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    failed = next(line for line in lines if line.get("message") == "request_failed")
    assert "builtins.KeyError at " in failed["exception"]
    assert "13800138000" not in json.dumps(lines)
    assert any(line.get("request_failed") == 1 for line in lines)
