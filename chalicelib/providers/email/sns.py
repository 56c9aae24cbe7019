"""Messages of Amazon SNS over HTTPS: verified by the certificate that SNS names, then opened.

Source: "Verifying the signatures of Amazon SNS messages" (docs.aws.amazon.com, 2026-11).
"""

from __future__ import annotations

import binascii
import logging
import re
from base64 import b64decode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from chalicelib.domain.errors import Invalid, ProviderError, Unverified
from chalicelib.providers.base import read_json, safe_request
from chalicelib.web.http import Http

log = logging.getLogger(__name__)

TOPIC = re.compile(r"arn:aws(?:-[a-z]+)*:sns:[a-z0-9-]{5,30}:\d{12}:[A-Za-z0-9_.-]{1,260}")
# SNS itself names such hosts only. Another host would bring another certificate.
_HOST = re.compile(r"sns\.[a-z0-9-]{5,30}\.amazonaws\.com(?:\.cn)?")
_CERTIFICATE = re.compile(r"^/(?:ses/)?SimpleNotificationService-[A-Za-z0-9]{1,100}\.pem$")
MAX_CERTIFICATE = 32_768  # bytes

NOTIFICATION, CONFIRMATION = "Notification", "SubscriptionConfirmation"
# The fields that are signed, in their order. Subject is left out where a message has none.
_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}
_SIGNED["UnsubscribeConfirmation"] = _SIGNED[CONFIRMATION]


def is_envelope(posted: Any) -> bool:
    return isinstance(posted, Mapping) and {"Type", "TopicArn", "SigningCertURL"} <= posted.keys()


def opened(posted: Mapping[str, Any], secret: Mapping[str, str], http: Http) -> Any:
    """Return the JSON that a topic has published, None for a message of SNS itself.

    A subscription is confirmed for the channel's own topic only. Raises Unverified, or Invalid for
    a message that cannot be read.
    """
    topic = secret.get("topic_arn")
    if not topic or posted.get("TopicArn") != topic:
        raise Unverified("another topic of SNS")
    kind = posted.get("Type")
    if not isinstance(kind, str) or kind not in _SIGNED:
        raise Invalid("body.Type", "is not a type of SNS")
    _verify(posted, _SIGNED[kind], http)
    if kind == CONFIRMATION:
        _confirm(str(posted["SubscribeURL"]), http)
    return read_json(str(posted["Message"]), "body.Message") if kind == NOTIFICATION else None


def _verify(posted: Mapping[str, Any], names: tuple[str, ...], http: Http) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    signed = "".join(f"{name}\n{_text(posted, name)}\n" for name in names if name in posted)
    digest = {"1": hashes.SHA1(), "2": hashes.SHA256()}.get(str(posted.get("SignatureVersion")))  # noqa: S303 SNS's default
    if digest is None or not {*names} - {"Subject"} <= posted.keys():
        raise Unverified("unknown signature of SNS")
    try:
        signature = b64decode(_text(posted, "Signature"), validate=True)
        key = _key(http, _text(posted, "SigningCertURL"))
        key.verify(signature, signed.encode(), padding.PKCS1v15(), digest)
    except (InvalidSignature, binascii.Error, UnicodeError):
        raise Unverified("wrong signature of SNS") from None


def _text(posted: Mapping[str, Any], name: str) -> str:
    value = posted.get(name)
    if not isinstance(value, str):
        raise Invalid(f"body.{name}", "must be a text")
    return value


@lru_cache(maxsize=8)
def _key(http: Http, url: str) -> Any:
    """Return the public key of the certificate at an address of SNS."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    parts = _split(url)
    if not _is_of_sns(url, http) or not _CERTIFICATE.search(parts.path):
        raise Unverified("a certificate of another host than SNS's")
    response = safe_request(http, "GET", url, most=MAX_CERTIFICATE)
    try:
        key = x509.load_pem_x509_certificate(response.body).public_key()
    except ValueError:
        raise Unverified("not a certificate") from None
    if response.status != 200 or not isinstance(key, RSAPublicKey):
        raise Unverified("not a certificate of SNS")
    return key


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise Unverified("not an address") from None


def _is_of_sns(url: str, http: Http) -> bool:
    """Tell if an address is one of SNS. A host that the deployment lists may stand in for it."""
    parts = _split(url)
    if parts.hostname and http.policy.lists(parts.hostname):
        return True
    return parts.scheme == "https" and _HOST.fullmatch(parts.netloc) is not None


def _confirm(url: str, http: Http) -> None:
    """Confirm a subscription by opening the address in its signed message."""
    if not _is_of_sns(url, http):
        raise Unverified("a confirmation at another host than SNS's")
    try:
        status = safe_request(http, "GET", url).status
    except ProviderError:
        status = 0
    log.info("subscription confirmed" if status == 200 else "subscription not confirmed")
    if status != 200:
        raise Invalid("body.SubscribeURL", "could not be opened; SNS sends it again")
