"""What WeCom posts to an application's address: encrypted XML, of which a click on a card's button is of use.

Receiving: https://developer.work.weixin.qq.com/document/path/90930, events of cards: …/path/90376. The signature covers timestamp,
nonce and body, and an event names its own time: one that is posted again becomes the same fact.
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

# A button, a vote, a choice; and the menu in the card's corner.
CLICKS = frozenset({"template_card_event", "template_card_menu_event"})


def secret_of(credentials: Mapping[str, Any]) -> Mapping[str, str]:
    """Nothing where the operator entered nothing: then callbacks are refused."""
    if not credentials.get("encoding_aes_key"):
        return {}
    return {
        "token": str(credentials["callback_token"]),
        "aes_key": str(credentials["encoding_aes_key"]),
        "corp_id": str(credentials["corp_id"]),
    }


def read(request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
    """A GET proves that the address is ours, by its decrypted `echostr`; a POST brings an event. Raises Unverified or Invalid."""
    if not secret:
        raise Unverified("no callback token")
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
    """A card is known by its task id. What else members do in the application is none of ours."""
    kind = event.get("Event", "")
    task_id, userid, time = (
        identifier(event.get("TaskId")),
        identifier(event.get("FromUserName")),
        milliseconds(event.get("CreateTime")),
    )
    if kind in CLICKS and task_id and userid and time is not None:
        yield Receipt(task_id, ReceiptKind.CLICKED, time, userid)
    else:
        log.info(
            "callback ignored", extra={"provider": "wecom", "callback_type": identifier(kind)[:40]}
        )
