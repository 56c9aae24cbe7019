"""Sealing with AES-256-GCM under a data key that KMS keeps.

Credentials are sealed by KMS itself, with the purpose as encryption context.
"""

from __future__ import annotations

import hmac
import json
import os
import time
from collections.abc import Mapping
from typing import Any

from chalicelib.aws.clients import client
from chalicelib.aws.items import from_item, put_once, to_item
from chalicelib.aws.tables import table
from chalicelib.config import settings
from chalicelib.domain.errors import Invalid

VERSION = b"\x01"
NONCE = 12
KMS_LIMIT = 4096  # bytes that KMS seals in a request
CACHE_SECONDS, CACHE_SIZE = 300, 256


class Vault:
    """Implements ports.Vault. The first sealed byte names the key, so that keys can be rotated."""

    _key: bytes | None = None

    def prepare(self) -> None:
        self._data_key()

    def seal(self, plain: bytes, context: str) -> bytes:
        nonce = os.urandom(NONCE)
        return bytes(VERSION + nonce + self._aead().encrypt(nonce, plain, context.encode()))

    def open(self, sealed: bytes, context: str) -> bytes:
        """Open sealed bytes. Raise InvalidTag for bytes not sealed here for this context."""
        return bytes(
            self._aead().decrypt(sealed[1 : 1 + NONCE], sealed[1 + NONCE :], context.encode())
        )

    def mac(self, label: str, data: bytes) -> bytes:
        """Return an HMAC under the label's key, derived as one block of HKDF-Expand (RFC 5869)."""
        key = hmac.digest(self._data_key(), label.encode() + b"\x01", "sha256")
        return bytes(hmac.digest(key, data, "sha256"))

    def _aead(self) -> Any:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(hmac.digest(self._data_key(), b"seal\x01", "sha256"))

    def _data_key(self) -> bytes:
        if self._key is None:
            self._key = _load_or_make_key()
        return self._key


def _load_or_make_key() -> bytes:
    """Return the deployment's data key. The first function that needs it makes it, if it may.

    Only one key is ever stored.
    """
    key, purpose = to_item({"pk": "key#contacts", "sk": "1"}), {"purpose": "contacts"}
    answer = client("dynamodb").get_item(TableName=table("settings"), Key=key, ConsistentRead=True)
    stored = answer.get("Item")
    if stored is None:
        data_key = client("kms").generate_data_key(
            KeyId=settings().kms_key, KeySpec="AES_256", EncryptionContext=purpose
        )
        stored = put_once(table("settings"), {**key, "sealed": {"B": data_key["CiphertextBlob"]}})
        if stored is None:
            return bytes(data_key["Plaintext"])
    sealed = from_item(stored)["sealed"]
    opened = client("kms").decrypt(CiphertextBlob=sealed, EncryptionContext=purpose)
    return bytes(opened["Plaintext"])


class Credentials:
    """Implements ports.Credentials.

    Each secret is encrypted for a purpose. IAM lets only delivery functions decrypt for the purpose
    `credentials`, and only the API for `webhook`.
    """

    def __init__(self) -> None:
        self._opened: dict[bytes, tuple[float, Mapping[str, Any]]] = {}

    def seal_credentials(self, plain: Mapping[str, Any]) -> bytes:
        return self._seal(plain, "credentials")

    def open_credentials(self, sealed: bytes) -> Mapping[str, Any]:
        return self._open(sealed, "credentials")

    def seal_webhook(self, plain: Mapping[str, str]) -> bytes:
        return self._seal(plain, "webhook")

    def open_webhook(self, sealed: bytes) -> Mapping[str, str]:
        return self._open(sealed, "webhook")

    def _seal(self, plain: Mapping[str, Any], purpose: str) -> bytes:
        raw = json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()
        if len(raw) > KMS_LIMIT:
            raise Invalid(purpose, f"more than {KMS_LIMIT} bytes")
        answer = client("kms").encrypt(
            KeyId=settings().kms_key, Plaintext=raw, EncryptionContext={"purpose": purpose}
        )
        return bytes(answer["CiphertextBlob"])

    def _open(self, sealed: bytes, purpose: str) -> Mapping[str, Any]:
        cached, now = self._opened.get(sealed), time.monotonic()
        if cached and cached[0] > now:
            return cached[1]
        answer = client("kms").decrypt(
            CiphertextBlob=sealed, EncryptionContext={"purpose": purpose}
        )
        plain: Mapping[str, Any] = json.loads(answer["Plaintext"])
        if len(self._opened) >= CACHE_SIZE:
            self._opened.clear()
        self._opened[sealed] = (now + CACHE_SECONDS, plain)
        return plain
