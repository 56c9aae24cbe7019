"""Posts of WeChat: receipts of messages, replies of people, and events of a third-party platform.

Receiving: developers.weixin.qq.com/doc/service/guide/dev/push/. Plain: SHA-1 over token, timestamp
and nonce. Encrypted: see crypto.py. The answer is `success`. TEMPLATESENDJOBFINISH:
…/notify/template, subscribe_msg_sent_event: …/guide/product/subscription_messages/push. Events of
the platform: see component.py. The body is XML, or JSON if a mini-program is set so.
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
TICKET_LIFE_MS = 12 * 3600_000
HOUR_MS = 3600_000
# WeChat's time of sending may be so much earlier (by its clock) or later than the call.
EARLY_MS, LATE_MS = 60_000, 15 * 60_000
MAX_TEXT = 2000

# Follows and unfollows become replies with these texts.
FOLLOWS = ("subscribe", "unsubscribe")

TEMPLATE_SENT, NOTICE_SENT = "TEMPLATESENDJOBFINISH", "subscribe_msg_sent_event"

_ECHO = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)


def secret_of(credentials: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the secret of callbacks, or nothing without a token: posts are then refused."""
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
    """Answer a GET, which proves that the address is ours, or read the event of a POST.

    Raises Unverified, or Invalid for an unreadable post.
    """
    if not secret:
        raise Unverified("no callback token")
    crypto.check_time(request)
    if request.method.upper() == "GET":
        _check_plain(request, secret)
        echo = request.query.get("echostr", "")
        if not _ECHO.fullmatch(echo):  # sent back as it came, so it must not hold markup
            raise Invalid("echostr", "is missing or malformed")
        return Webhook(reply=echo)
    if secret.get("aes_key"):
        return _webhook(_decrypted(request, secret), request, secret, nonce="")
    # The signature does not cover the body. As the nonce it refuses
    # a captured one with another body.
    _check_plain(request, secret)
    return _webhook(
        _tree(request.body), request, secret, nonce=request.query.get("signature", "").lower()
    )


def _check_plain(request: WebhookRequest, secret: Mapping[str, str]) -> None:
    query = request.query
    crypto.check_signature(
        query.get("signature", ""),
        secret["token"],
        query.get("timestamp", ""),
        query.get("nonce", ""),
    )


def _decrypted(request: WebhookRequest, secret: Mapping[str, str]) -> dict[str, Any]:
    """Decrypt a post. A channel with a key accepts only posts that are encrypted with it."""
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


def _webhook(
    event: Mapping[str, Any], request: WebhookRequest, secret: Mapping[str, str], nonce: str
) -> Webhook:
    if secret.get("component") and "InfoType" in event:
        kept = dict(_kept(event, secret["component"], request.now))
        return Webhook(reply=SUCCESS, kept=kept, authorised=_authorised(event, kept, secret))
    if other := _other_channel(request, secret):
        return Webhook(reply=SUCCESS, channel=other)
    receipts, replies = list(_receipts(event)), list(_replies(event))
    if not receipts and not replies:
        event_type = identifier(event.get("Event")) or identifier(event.get("MsgType"))
        log_event = (
            "receipts not understood"
            if event_type in (TEMPLATE_SENT, NOTICE_SENT)
            else "callback ignored"
        )
        log.info(log_event, extra={"provider": "wechat", "callback_type": event_type[:40]})
    return Webhook(receipts, SUCCESS, nonce, replies)


def _other_channel(request: WebhookRequest, secret: Mapping[str, str]) -> str:
    """Return the channel of a platform's event about another account, else an empty text.

    That account's channel has its AppID as its code. The platform's address for events is entered
    as `…?appid=$APPID$`: WeChat puts the AppID there.
    """
    named = request.query.get("appid", "")
    if not secret.get("component") or named == secret["app_id"] or not _CODE.fullmatch(named):
        return ""
    return named


def _kept(event: Mapping[str, Any], platform: str, now: int) -> Iterator[tuple[str, Token]]:
    """Yield the platform's ticket, or the code of an account that has authorised the platform.

    The sending side uses both: see component.py.
    """
    names = ("InfoType", "AuthorizerAppid", "ComponentVerifyTicket", "AuthorizationCode")
    event_type, account, ticket, code = (identifier(event.get(name)) for name in names)
    if event.get("AppId") != platform:
        raise Unverified("component")
    if event_type == "component_verify_ticket" and ticket:
        yield (
            component.ticket_name(platform),
            Token(ticket, now + TICKET_LIFE_MS, now + TICKET_LIFE_MS),
        )
    elif event_type in ("authorized", "updateauthorized") and account and code:
        until = min(
            milliseconds(event.get("AuthorizationCodeExpiredTime")) or now + HOUR_MS, now + HOUR_MS
        )
        yield component.code_name(platform, account), Token(code, until, until)
    elif event_type == "unauthorized":
        log.warning(
            "authorisation taken back", extra={"provider": "wechat", "account": account[:32]}
        )
    else:
        log.info("callback ignored", extra={"provider": "wechat", "callback_type": event_type[:40]})


def _authorised(
    event: Mapping[str, Any], kept: Mapping[str, Token], secret: Mapping[str, str]
) -> str | None:
    """Return the channel of an account whose code was just kept: an empty text for this channel."""
    account = identifier(event.get("AuthorizerAppid"))
    if component.code_name(secret["component"], account) not in kept:
        return None
    if account == secret["app_id"]:
        return ""
    return account if _CODE.fullmatch(account) else None


def _receipts(event: Mapping[str, Any]) -> Iterator[Receipt]:
    event_type, time = event.get("Event"), milliseconds(event.get("CreateTime"))
    openid = identifier(event.get("FromUserName"))
    if not openid or time is None:
        return
    if event_type == TEMPLATE_SENT:
        yield from _finished(identifier(event.get("MsgID")), event.get("Status"), openid, time)
    elif event_type == NOTICE_SENT:
        around = event.get("SubscribeMsgSentEvent", event)
        listed = around.get("List") if isinstance(around, Mapping) else None
        for entry in listed if isinstance(listed, list) else [listed]:
            if isinstance(entry, Mapping):
                yield from _sent(entry, openid, time)


def _finished(msgid: str, status: Any, openid: str, time: int) -> Iterator[Receipt]:
    """Yield the receipt of a template message.

    Its status is `success`, `failed:user block` or `failed: system failed`. As seen, there are
    other reasons, with and without a blank.
    """
    state, _, reason = (
        identifier("_".join(part.split()))[:40] for part in str(status or "").lower().partition(":")
    )
    if msgid and state == "success":
        yield Receipt(msgid, ReceiptKind.DELIVERED, time, openid)
    elif msgid and state == "failed":
        yield Receipt(msgid, ReceiptKind.DELIVERY_FAILED, time, openid, reason or "failed")
    elif msgid and state:
        yield Receipt(msgid, ReceiptKind.OTHER, time, openid, state)


def _sent(entry: Mapping[str, Any], openid: str, time: int) -> Iterator[Receipt]:
    template_id, code = identifier(entry.get("TemplateId")), identifier(entry.get("ErrorCode"))
    notice_id = _notice_id(openid, template_id, time)
    if template_id and code == "0":
        yield Receipt(notice_id, ReceiptKind.DELIVERED, time, openid)
    elif template_id and code:
        yield Receipt(notice_id, ReceiptKind.DELIVERY_FAILED, time, openid, code[:40])


def _replies(event: Mapping[str, Any]) -> Iterator[Reply]:
    """Yield the texts of people, their follows and their unfollows.

    A follow shows that messages arrive again. Whoever writes has followed before.
    """
    openid, time = identifier(event.get("FromUserName")), milliseconds(event.get("CreateTime"))
    if not openid or time is None:
        return
    text, event_type = event.get("Content"), identifier(event.get("Event"))
    if event.get("MsgType") == "text" and isinstance(text, str):
        readable = text[:MAX_TEXT].encode("utf-8", "replace").decode()
        yield Reply(openid, readable, time, identifier(event.get("MsgId")), shows_life=False)
    elif event_type in FOLLOWS:
        is_back = event_type == FOLLOWS[0]
        yield Reply(openid, event_type, time, f"{event_type}-{time}", shows_life=is_back)


def notice_ids(call: OutgoingCall, now: int) -> str:
    """Return the ids by which the receipts of a subscription notice may name it.

    The answer to a notice has no id, so the id is made of openid, template and hour.
    """
    recipient = call.recipients[0]
    template_id = str(recipient.content.get("template_id"))
    hours = range((now - EARLY_MS) // HOUR_MS, (now + LATE_MS) // HOUR_MS + 1)
    return "|".join(_notice_id(recipient.contact, template_id, hour * HOUR_MS) for hour in hours)


def _notice_id(openid: str, template_id: str, time: int) -> str:
    """Return a digest, because ids are stored as they are and contacts are not."""
    named = f"{openid} {template_id} {time // HOUR_MS}"
    return hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:40]
