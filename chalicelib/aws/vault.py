"""Sealing with AES-256-GCM under data keys that KMS keeps.

Credentials are sealed by KMS itself, with the purpose as encryption context.
"""

from __future__ import annotations

import hmac
import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.aws.clients import client, error_code
from chalicelib.aws.items import Item, from_item, put_once, to_item
from chalicelib.aws.tables import table
from chalicelib.config import settings
from chalicelib.domain.errors import Forged, Invalid

FIRST = 1  # version of the data key that a deployment begins with
VERSIONS = 255  # a sealed value names its key with one byte
NONCE = 12
KMS_LIMIT = 4096  # bytes that KMS seals in a request
CACHE_SECONDS, CACHE_SIZE = 300, 256
PURPOSE = {"purpose": "contacts"}

Row = dict[str, Any]


class Vault:
    """Implements ports.Vault. The first sealed byte is the version of the key.

    New values are sealed with the newest key, and old values open with theirs. HMACs stay with the
    first key: contacts and links are found by them. A container looks for a newer key when the
    newest one that it knows is as old as CACHE_SECONDS.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._keys: dict[int, bytes] = {}
        self._newest = 0  # unknown yet
        self._known_until = 0.0

    def prepare(self) -> None:
        self._newest_version()

    def rotate(self) -> int:
        """Add a data key, and return its version. A repeat of a call that broke off ends it."""
        self._newest = 0
        last = self._newest_version()
        if last >= VERSIONS:
            raise Invalid("version", "there are {most} data keys already", most=VERSIONS)
        self._keys[last + 1] = _make(last + 1)
        self._newest = _set_newest(last, last + 1)
        return self._newest

    def seal(self, plain: bytes, context: str) -> bytes:
        nonce, version = os.urandom(NONCE), self._newest_version()
        sealed = self._aead(version).encrypt(nonce, plain, context.encode())
        return bytes([version]) + nonce + bytes(sealed)

    def open(self, sealed: bytes, context: str) -> bytes:
        from cryptography.exceptions import InvalidTag

        version, nonce, body = sealed[:1], sealed[1 : 1 + NONCE], sealed[1 + NONCE :]
        if len(nonce) < NONCE or not self._has(version[0]):
            raise Forged("not sealed here")
        try:
            return bytes(self._aead(version[0]).decrypt(nonce, body, context.encode()))
        except InvalidTag:
            raise Forged("not sealed here for this context") from None

    def mac(self, label: str, data: bytes) -> bytes:
        """Return an HMAC under the label's key, derived as one block of HKDF-Expand (RFC 5869)."""
        if FIRST not in self._keys:
            self._newest_version()
        key = hmac.digest(self._key(FIRST), label.encode() + b"\x01", "sha256")
        return bytes(hmac.digest(key, data, "sha256"))

    def _aead(self, version: int) -> Any:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(hmac.digest(self._key(version), b"seal\x01", "sha256"))

    def _key(self, version: int) -> bytes:
        if version not in self._keys:
            stored = _stored(version)
            if stored is None:
                raise Forged(f"no data key {version}")
            self._keys[version] = _open(stored)
        return self._keys[version]

    def _has(self, version: int) -> bool:
        """Tell if a version exists. Above the newest known one, the table is asked again."""
        if version > self._newest:
            self._newest = 0
            self._newest_version()
        return FIRST <= version <= self._newest

    def _newest_version(self) -> int:
        now = self._now()
        if not self._newest or now >= self._known_until:
            stored = _stored(FIRST) or {}
            if FIRST not in self._keys:
                self._keys[FIRST] = _open(stored) if stored else _make(FIRST)
            self._newest = max(self._newest, int(stored.get("newest", FIRST)))
            self._known_until = now + CACHE_SECONDS
        return self._newest


def _at(version: int) -> Item:
    return to_item({"pk": "key#contacts", "sk": str(version)})


def _stored(version: int) -> Row | None:
    answer = client("dynamodb").get_item(
        TableName=table("settings"), Key=_at(version), ConsistentRead=True
    )
    return from_item(answer["Item"]) if "Item" in answer else None


def _make(version: int) -> bytes:
    """Make a data key, if it is missing and the function may. Only one key is ever stored."""
    made = client("kms").generate_data_key(
        KeyId=settings().kms_key, KeySpec="AES_256", EncryptionContext=PURPOSE
    )
    item = {**_at(version), "sealed": {"B": made["CiphertextBlob"]}}
    stored = put_once(table("settings"), item)
    return bytes(made["Plaintext"]) if stored is None else _open(from_item(stored))


def _open(stored: Row) -> bytes:
    opened = client("kms").decrypt(CiphertextBlob=stored["sealed"], EncryptionContext=PURPOSE)
    return bytes(opened["Plaintext"])


def _set_newest(last: int, version: int) -> int:
    """Make a version the newest. If another request was faster, return its version."""
    from botocore.exceptions import ClientError

    try:
        client("dynamodb").update_item(
            TableName=table("settings"),
            Key=_at(FIRST),
            UpdateExpression="SET newest = :version",
            ConditionExpression="attribute_not_exists(newest) OR newest = :last",
            ExpressionAttributeValues=to_item({":version": version, ":last": last}),
        )
    except ClientError as error:
        if error_code(error) != "ConditionalCheckFailedException":
            raise
        return int(from_item(error.response.get("Item", {})).get("newest", version))
    return version


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
            raise Invalid(purpose, "more than {most} bytes", most=KMS_LIMIT)
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
