"""Sealing: AES-256-GCM under a data key that KMS keeps; credentials under KMS itself, with the purpose as encryption context."""

from __future__ import annotations

import hashlib
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
KMS_LIMIT = 4096  # bytes that KMS seals by itself
CACHE_SECONDS, CACHE_SIZE = 300, 256


class Vault:
    """Implements ports.Vault. The first byte of what is sealed names the key, so that keys can be rotated."""

    _key: bytes | None = None

    def prepare(self) -> None:
        self._data_key()

    def seal(self, plain: bytes, context: str) -> bytes:
        nonce = os.urandom(NONCE)
        return bytes(VERSION + nonce + self._aead().encrypt(nonce, plain, context.encode()))

    def open(self, sealed: bytes, context: str) -> bytes:
        """Raises InvalidTag for anything that was not sealed here for this context."""
        return bytes(
            self._aead().decrypt(sealed[1 : 1 + NONCE], sealed[1 + NONCE :], context.encode())
        )

    def mac(self, label: str, data: bytes) -> bytes:
        """The label's own key is derived as HKDF's expansion of one block does (RFC 5869)."""
        own = hmac.digest(self._data_key(), label.encode() + b"\x01", "sha256")
        return bytes(hmac.digest(own, data, "sha256"))

    def _aead(self) -> Any:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(hmac.digest(self._data_key(), b"seal\x01", "sha256"))

    def _data_key(self) -> bytes:
        if self._key is None:
            self._key = _load_or_make_key()
        return self._key


def _load_or_make_key() -> bytes:
    """The deployment's data key; whoever may and needs it first makes it, and only one is ever stored."""
    at, purpose = to_item({"pk": "key#contacts", "sk": "1"}), {"purpose": "contacts"}
    stored = (
        client("dynamodb")
        .get_item(TableName=table("settings"), Key=at, ConsistentRead=True)
        .get("Item")
    )
    if stored is None:
        made = client("kms").generate_data_key(
            KeyId=settings().kms_key, KeySpec="AES_256", EncryptionContext=purpose
        )
        stored = put_once(table("settings"), {**at, "sealed": {"B": made["CiphertextBlob"]}})
        if stored is None:
            return bytes(made["Plaintext"])
    sealed = from_item(stored)["sealed"]
    return bytes(
        client("kms").decrypt(CiphertextBlob=sealed, EncryptionContext=purpose)["Plaintext"]
    )


class Credentials:
    """Implements ports.Credentials. IAM lets only delivery functions decrypt for `credentials`, only the API for `webhook`."""

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
        raw = client("kms").decrypt(CiphertextBlob=sealed, EncryptionContext={"purpose": purpose})[
            "Plaintext"
        ]
        plain: Mapping[str, Any] = json.loads(raw)
        if len(self._opened) >= CACHE_SIZE:
            self._opened.clear()
        self._opened[sealed] = (now + CACHE_SECONDS, plain)
        return plain


def digest(secret: str) -> str:
    """How secrets of 96 random bits are stored: they need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
