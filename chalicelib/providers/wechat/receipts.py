"""What WeChat posts: what became of messages, what people do and write, and what a third-party platform is told.

Receiving: developers.weixin.qq.com/doc/service/guide/dev/push/ (plain: SHA-1 over token, timestamp and nonce; encrypted: see crypto.py;
the answer is `success`), TEMPLATESENDJOBFINISH: …/notify/template, subscribe_msg_sent_event: …/guide/product/subscription_messages/push,
the platform's own: see component.py. XML, or JSON where a mini-program is set so.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import (
    OutgoingCall,
    Receipt,
    ReceiptKind,
    Reply,
    Token,
    Webhook,
    WebhookRequest,
)
from chalicelib.providers.base import identifier, milliseconds, read_json
from chalicelib.providers.wechat import component, crypto

log = logging.getLogger(__name__)

SUCCESS = "success"
WINDOW_MS = 10 * 60_000  # a post that stays unanswered is repeated within 15 seconds
TICKET_LIFE_MS = 12 * 3600_000
HOUR_MS = 3600_000
EARLY_MS, LATE_MS = (
    60_000,
    15 * 60_000,
)  # how much sooner (by its clock) or later than the call WeChat may say that it was sent
MAX_TEXT = 2000

# Follows and unfollows, given as replies in these words.
FOLLOWS = ("subscribe", "unsubscribe")

TEMPLATE_SENT, NOTICE_SENT = "TEMPLATESENDJOBFINISH", "subscribe_msg_sent_event"

_ECHO = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)


def secret_of(credentials: Mapping[str, Any]) -> Mapping[str, str]:
    """Nothing where the operator entered nothing: then posts are refused."""
    if not credentials.get("callback_token"):
        return {}
    names = {
        "app_id": "app_id",
        "component": "component_app_id",
        "token": "callback_token",
        "aes_key": "encoding_aes_key",
    }
    return {short: str(credentials[name]) for short, name in names.items() if credentials.get(name)}


def read(request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
    """A GET proves that the address is ours; a POST brings one event. Raises Unverified, or Invalid for what cannot be read."""
    if not secret:
        raise Unverified("no callback token")
    _check_time(request)
    if request.method.upper() == "GET":
        _check_plain(request, secret)
        echo = request.query.get("echostr", "")
        if not _ECHO.fullmatch(echo):  # it is sent back as it came: no markup
            raise Invalid("echostr", "is missing or not a short word")
        return Webhook(reply=echo)
    if secret.get("aes_key"):
        return _understand(_opened(request, secret), request, secret, nonce="")
    # The signature does not cover the body. Giving it as the nonce refuses a captured one with another body.
    _check_plain(request, secret)
    return _understand(
        _tree(request.body), request, secret, nonce=request.query.get("signature", "").lower()
    )


def _check_time(request: WebhookRequest) -> None:
    sent = milliseconds(request.query.get("timestamp", ""))
    if sent is None or abs(request.now - sent) > WINDOW_MS:
        raise Unverified("timestamp")


def _check_plain(request: WebhookRequest, secret: Mapping[str, str]) -> None:
    query = request.query
    crypto.check_signature(
        query.get("signature", ""),
        secret["token"],
        query.get("timestamp", ""),
        query.get("nonce", ""),
    )


def _opened(request: WebhookRequest, secret: Mapping[str, str]) -> dict[str, Any]:
    """A channel that has a key takes nothing else than what is encrypted with it."""
    encrypted = _tree(request.body).get("Encrypt")
    if not isinstance(encrypted, str) or not encrypted:
        raise Invalid("body", "has no Encrypt")
    query = request.query
    lock = crypto.CallbackCrypto(
        secret["token"], secret["aes_key"], secret.get("component") or secret["app_id"]
    )
    lock.verify(
        query.get("msg_signature", ""),
        query.get("timestamp", ""),
        query.get("nonce", ""),
        encrypted,
    )
    return _tree(lock.decrypt(encrypted).encode("utf-8", "surrogatepass"))


def _tree(body: bytes) -> dict[str, Any]:
    if not body.lstrip().startswith(b"{"):
        return crypto.read_tree(body)
    tree = read_json(body, "body")
    return tree if isinstance(tree, dict) else {}


def _understand(
    event: Mapping[str, Any], request: WebhookRequest, secret: Mapping[str, str], nonce: str
) -> Webhook:
    if secret.get("component") and "InfoType" in event:
        kept = dict(_kept(event, secret["component"], request.now))
        return Webhook(reply=SUCCESS, kept=kept, authorised=_authorised(event, kept, secret))
    if other := _other(request, secret):
        return Webhook(reply=SUCCESS, channel=other)
    receipts, replies = list(_receipts(event)), list(_replies(event))
    if not receipts and not replies:
        kind = identifier(event.get("Event")) or identifier(event.get("MsgType"))
        said = (
            "receipts not understood"
            if kind in (TEMPLATE_SENT, NOTICE_SENT)
            else "callback ignored"
        )
        log.info(said, extra={"provider": "wechat", "callback_type": kind[:40]})
    return Webhook(receipts, SUCCESS, nonce, replies)


def _other(request: WebhookRequest, secret: Mapping[str, str]) -> str:
    """The account that a platform's event is about, where it is not this channel's: that one's channel has its AppID as its code.

    The platform's address for events is entered as `…?appid=$APPID$`; WeChat puts the AppID there.
    """
    named = request.query.get("appid", "")
    return (
        named
        if secret.get("component") and named != secret["app_id"] and _CODE.fullmatch(named)
        else ""
    )


def _kept(event: Mapping[str, Any], platform: str, now: int) -> Iterator[tuple[str, Token]]:
    """The platform's ticket, or the code of an account that has authorised it: for who sends, see component.py."""
    kind, account = identifier(event.get("InfoType")), identifier(event.get("AuthorizerAppid"))
    ticket, code = (
        identifier(event.get("ComponentVerifyTicket")),
        identifier(event.get("AuthorizationCode")),
    )
    if event.get("AppId") != platform:
        raise Unverified("component")
    if kind == "component_verify_ticket" and ticket:
        yield (
            component.ticket_name(platform),
            Token(ticket, now + TICKET_LIFE_MS, now + TICKET_LIFE_MS),
        )
    elif kind in ("authorized", "updateauthorized") and account and code:
        until = min(
            milliseconds(event.get("AuthorizationCodeExpiredTime")) or now + HOUR_MS, now + HOUR_MS
        )
        yield component.code_name(platform, account), Token(code, until, until)
    elif kind == "unauthorized":
        log.warning(
            "authorisation taken back", extra={"provider": "wechat", "account": account[:32]}
        )
    else:
        log.info("callback ignored", extra={"provider": "wechat", "callback_type": kind[:40]})


def _authorised(
    event: Mapping[str, Any], kept: Mapping[str, Token], secret: Mapping[str, str]
) -> str | None:
    """The channel of an account whose code was just kept: this one, or the one that has its AppID as its code."""
    account = identifier(event.get("AuthorizerAppid"))
    if component.code_name(secret["component"], account) not in kept:
        return None
    if account == secret["app_id"]:
        return ""
    return account if _CODE.fullmatch(account) else None


def _receipts(event: Mapping[str, Any]) -> Iterator[Receipt]:
    kind, openid, time = (
        event.get("Event"),
        identifier(event.get("FromUserName")),
        milliseconds(event.get("CreateTime")),
    )
    if not openid or time is None:
        return
    if kind == TEMPLATE_SENT:
        yield from _finished(identifier(event.get("MsgID")), event.get("Status"), openid, time)
    elif kind == NOTICE_SENT:
        around = event.get("SubscribeMsgSentEvent", event)
        listed = around.get("List") if isinstance(around, Mapping) else None
        for entry in listed if isinstance(listed, list) else [listed]:
            if isinstance(entry, Mapping):
                yield from _sent(entry, openid, time)


def _finished(msgid: str, status: Any, openid: str, time: int) -> Iterator[Receipt]:
    """`success`, `failed:user block`, `failed: system failed`, and, as seen, other reasons; with and without a blank."""
    said, _, reason = (
        identifier("_".join(part.split()))[:40] for part in str(status or "").lower().partition(":")
    )
    if msgid and said == "success":
        yield Receipt(msgid, ReceiptKind.DELIVERED, time, openid)
    elif msgid and said == "failed":
        yield Receipt(msgid, ReceiptKind.DELIVERY_FAILED, time, openid, reason or "failed")
    elif msgid and said:
        yield Receipt(msgid, ReceiptKind.OTHER, time, openid, said)


def _sent(entry: Mapping[str, Any], openid: str, time: int) -> Iterator[Receipt]:
    template_id, code = identifier(entry.get("TemplateId")), identifier(entry.get("ErrorCode"))
    if template_id and code == "0":
        yield Receipt(_notice_id(openid, template_id, time), ReceiptKind.DELIVERED, time, openid)
    elif template_id and code:
        yield Receipt(
            _notice_id(openid, template_id, time),
            ReceiptKind.DELIVERY_FAILED,
            time,
            openid,
            code[:40],
        )


def _replies(event: Mapping[str, Any]) -> Iterator[Reply]:
    """What people write to the account, and that they follow it or no longer do."""
    openid, time = identifier(event.get("FromUserName")), milliseconds(event.get("CreateTime"))
    if not openid or time is None:
        return
    text, kind = event.get("Content"), identifier(event.get("Event"))
    if event.get("MsgType") == "text" and isinstance(text, str):
        yield Reply(
            openid,
            text[:MAX_TEXT].encode("utf-8", "replace").decode(),
            time,
            identifier(event.get("MsgId")),
        )
    elif kind in FOLLOWS:
        yield Reply(openid, kind, time, f"{kind}-{time}")


def notice_ids(call: OutgoingCall, now: int) -> str:
    """By what the receipts of a subscription notice name it. The answer to it names nothing, so it is openid, template and hour."""
    recipient = call.recipients[0]
    template_id = str(recipient.content.get("template_id"))
    hours = range((now - EARLY_MS) // HOUR_MS, (now + LATE_MS) // HOUR_MS + 1)
    return "|".join(_notice_id(recipient.contact, template_id, hour * HOUR_MS) for hour in hours)


def _notice_id(openid: str, template_id: str, time: int) -> str:
    """A digest: ids are stored as they are, contacts are not."""
    named = f"{openid} {template_id} {time // HOUR_MS}"
    return hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:40]
