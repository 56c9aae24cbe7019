"""A topic of SNS with a certificate of its own authority, and the host that has the certificate."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from trustme import CA, KeyType

from chalicelib.domain.provider_io import WebhookRequest
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http
from chalicelib.web.messages import Request, Response

TOPIC = "arn:aws:sns:eu-west-1:123456789012:mails"
HOST = "https://sns.eu-west-1.amazonaws.com"
CERTIFICATE = f"{HOST}/SimpleNotificationService-0123456789abcdef.pem"
CONFIRM = f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=t"
NOW = 1_800_000_000_000

_AUTHORITY = CA(key_type=KeyType.RSA)
_CERTIFICATE = _AUTHORITY.issue_cert("sns.amazonaws.com", key_type=KeyType.RSA)
_PEM = _CERTIFICATE.cert_chain_pems[0].bytes()
_KEY = serialization.load_pem_private_key(_CERTIFICATE.private_key_pem.bytes(), None)
assert isinstance(_KEY, RSAPrivateKey)
assert x509.load_pem_x509_certificate(_PEM).public_key() == _KEY.public_key()


class Aws:
    """Implements Transport: the hosts of SNS, and what was asked of them."""

    def __init__(self, status: int = 200, body: bytes = _PEM) -> None:
        self.asked: list[str] = []
        self._status, self._body = status, body

    def send(self, request: Request, timeout: float) -> Response:
        self.asked.append(request.url)
        return Response(self._status, body=self._body)

    @property
    def http(self) -> Http:
        return Http(Policy(), 5.0, self)


def envelope(message: Any, kind: str = "Notification", version: str = "2", **more: str) -> Any:
    """Return a message as SNS posts it, with a good signature of what it says."""
    posted = {
        "Type": kind,
        "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
        "TopicArn": TOPIC,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": "2023-11-14T22:13:20.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
        **more,
    }
    if kind != "Notification":
        posted = {"Token": "t", "SubscribeURL": CONFIRM, **posted}
    return {**posted, "Signature": _sign(posted, version)}


def _sign(posted: dict[str, str], version: str) -> str:
    of_message = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    of_subscription = [
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ]
    names = of_message if posted["Type"] == "Notification" else of_subscription
    text = "".join(f"{name}\n{posted[name]}\n" for name in names if name in posted)
    digest = hashes.SHA1() if version == "1" else hashes.SHA256()
    return b64encode(_KEY.sign(text.encode(), padding.PKCS1v15(), digest)).decode()


def request(posted: Any) -> WebhookRequest:
    return WebhookRequest("POST", {}, {}, json.dumps(posted).encode(), NOW)
