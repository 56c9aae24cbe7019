"""Events of SES as a topic of SNS publishes them, signed with a certificate of the sandbox."""

from __future__ import annotations

import json
import uuid
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from trustme import CA, KeyType

from infra.sandbox.accounts import Account, Event
from infra.sandbox.outbox import Parcel
from infra.sandbox.ses.topics import topic

PEM = "SimpleNotificationService-sandbox.pem"


@cache
def _certificate() -> tuple[bytes, rsa.RSAPrivateKey]:
    made = CA(key_type=KeyType.RSA).issue_cert("sns.amazonaws.com", key_type=KeyType.RSA)
    key = serialization.load_pem_private_key(made.private_key_pem.bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return made.cert_chain_pems[0].bytes(), key


def pem() -> bytes:
    return _certificate()[0]


def event(kind: str, message_id: str, contact: str, at: float, origin: str) -> Event:
    stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    details: dict[str, object] = {"timestamp": stamp, "recipients": [contact]}
    if kind == "Bounce":
        recipient = {"emailAddress": contact, "action": "failed", "status": "5.1.1"}
        details |= {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [recipient],
        }
    mail = {"timestamp": stamp, "messageId": message_id, "destination": [contact]}
    return {"origin": origin, "at": stamp, "event": {"eventType": kind, "mail": mail}} | {
        "details": {kind.lower(): details}
    }


def parcel(account: Account, events: Sequence[Event]) -> Parcel:
    """Build a post with one event, as SNS sends it."""
    (one,) = events
    posted = {
        "Type": "Notification",
        "MessageId": str(uuid.uuid4()),
        "TopicArn": topic(account.app_key, account.master_secret or ""),
        "Message": json.dumps({**one["event"], **one["details"]}),
        "Timestamp": one["at"],
        "SignatureVersion": "2",
        "SigningCertURL": f"{one['origin']}/ses/{PEM}",
    }
    names = ("Message", "MessageId", "Timestamp", "TopicArn", "Type")
    text = "".join(f"{name}\n{posted[name]}\n" for name in names).encode()
    signature = _certificate()[1].sign(text, padding.PKCS1v15(), hashes.SHA256())
    body = json.dumps({**posted, "Signature": b64encode(signature).decode()}).encode()
    headers = {"content-type": "text/plain; charset=UTF-8"}
    return Parcel(account.provider, str(account.webhook_url), headers=headers, body=body)
