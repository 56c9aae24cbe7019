"""WeCom's callbacks: signed, encrypted XML. An address proves itself by decrypting a text.

Sources: https://developer.work.weixin.qq.com/document/path/90968 (encryption), …/path/90930
(receiving), …/path/90376 (events).
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import struct
import time
from collections.abc import Sequence
from urllib.parse import urlencode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from infra.sandbox.accounts import Account, Event
from infra.sandbox.outbox import Parcel

BLOCK = 32


def encrypted(account: Account, plain: str) -> str:
    """Encrypt with AES-256-CBC: 16 random bytes, the length, the text, the corporation's id.

    The padding is PKCS#7 to 32 bytes.
    """
    key = base64.b64decode(str(account.encoding_aes_key) + "=")
    text = plain.encode()
    framed = os.urandom(16) + struct.pack(">I", len(text)) + text + account.app_key.encode()
    fill = BLOCK - len(framed) % BLOCK
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(
        cipher.update(framed + bytes([fill]) * fill) + cipher.finalize()
    ).decode()


def signed(account: Account, cipher: str) -> dict[str, str]:
    timestamp, nonce = str(int(time.time())), str(secrets.randbelow(10**10))
    joined = "".join(sorted((str(account.callback_token), timestamp, nonce, cipher)))
    signature = hashlib.sha1(joined.encode(), usedforsecurity=False).hexdigest()
    return {"msg_signature": signature, "timestamp": timestamp, "nonce": nonce}


def _address(account: Account, query: dict[str, str]) -> str:
    url = str(account.webhook_url)
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def click(account: Account, userid: str, task_id: str, card: dict[str, object], at: float) -> Event:
    """Build the event of a member who touches the first button of a card."""
    buttons = card.get("button_list")
    first = buttons[0] if isinstance(buttons, list) and buttons else None
    return {
        "ToUserName": account.app_key,
        "FromUserName": userid,
        "CreateTime": int(at),
        "MsgType": "event",
        "Event": "template_card_event",
        "EventKey": str(first.get("key", "")) if isinstance(first, dict) else "",
        "TaskId": task_id,
        "CardType": str(card.get("card_type", "")),
        "ResponseCode": secrets.token_urlsafe(16),
        "AgentID": account.agent_id or "1",
    }


def parcel(account: Account, events: Sequence[Event]) -> Parcel:
    """Build a post with one event, the only batch size."""
    fields = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in events[0].items())
    cipher = encrypted(account, f"<xml>{fields}</xml>")
    body = (
        f"<xml><ToUserName><![CDATA[{account.app_key}]]></ToUserName>"
        f"<AgentID><![CDATA[{account.agent_id}]]></AgentID>"
        f"<Encrypt><![CDATA[{cipher}]]></Encrypt></xml>"
    )
    url = _address(account, signed(account, cipher))
    return Parcel(
        account.provider,
        url,
        headers={"Content-Type": "text/xml"},
        body=body.encode(),
        holds=len(events),
    )


def proof(account: Account, echo: str) -> Parcel:
    """Build the request that verifies a new address. The answer must be `echo`."""
    cipher = encrypted(account, echo)
    return Parcel(
        account.provider,
        _address(account, {**signed(account, cipher), "echostr": cipher}),
        method="GET",
    )
