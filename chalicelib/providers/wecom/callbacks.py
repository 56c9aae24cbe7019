"""Callbacks of WeCom to an application's address: encrypted XML.

Clicks on a card's buttons become receipts.

Receiving: https://developer.work.weixin.qq.com/document/path/90930, events of cards: …/path/90376.
The signature covers timestamp, nonce and body, and an event names its own time. A repeated event
therefore becomes the same fact.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import Receipt, ReceiptKind, Webhook, WebhookRequest
from chalicelib.providers.base import identifier, milliseconds
from chalicelib.providers.wechat import crypto

log = logging.getLogger(__name__)

# A button, a vote or a choice, and the menu in the card's corner.
CLICKS = frozenset({"template_card_event", "template_card_menu_event"})


def secret_of(credentials: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the secret of callbacks, or nothing without a key: callbacks are then refused."""
    if not credentials.get("encoding_aes_key"):
        return {}
    return {
        "token": str(credentials["callback_token"]),
        "aes_key": str(credentials["encoding_aes_key"]),
        "corp_id": str(credentials["corp_id"]),
    }


def read(request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
    """Answer a GET with its decrypted `echostr`, which proves the address, or read the event of a
    POST.

    Raises Unverified or Invalid.
    """
    if not secret:
        raise Unverified("no callback token")
    crypto.check_time(request)
    lock = crypto.CallbackCrypto(secret["token"], secret["aes_key"], secret["corp_id"])
    query = request.query
    signed = (query.get("msg_signature", ""), query.get("timestamp", ""), query.get("nonce", ""))
    if request.method.upper() == "GET":
        echo = query.get("echostr", "")
        lock.verify(*signed, echo)
        return Webhook(reply=lock.decrypt(echo))
    encrypted = crypto.read_xml(request.body).get("Encrypt", "")
    if not encrypted:
        raise Invalid("body", "has no Encrypt")
    lock.verify(*signed, encrypted)
    plain = lock.decrypt(encrypted)
    return Webhook(list(_receipts(crypto.read_xml(plain.encode("utf-8", "surrogatepass")))))


def _receipts(event: Mapping[str, str]) -> Iterator[Receipt]:
    """Yield the click on a card, which is known by its task id.

    Other events of members are ignored.
    """
    event_type, time = event.get("Event", ""), milliseconds(event.get("CreateTime"))
    task_id, userid = identifier(event.get("TaskId")), identifier(event.get("FromUserName"))
    if event_type in CLICKS and task_id and userid and time is not None:
        yield Receipt(task_id, ReceiptKind.CLICKED, time, userid)
    else:
        callback_type = identifier(event_type)[:40]
        log.info("callback ignored", extra={"provider": "wecom", "callback_type": callback_type})
