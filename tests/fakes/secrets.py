"""A cheap vault and cheap credentials, as strict about contexts as the real ones."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.errors import Forged, Invalid
from tests.fakes.steps import Steps


class FakeVault:
    """`macs` counts the HMACs by label and data. Its steps are apart: nothing is written there."""

    def __init__(self) -> None:
        self.steps = Steps()
        self.macs: Counter[tuple[str, bytes]] = Counter()
        self.newest = 1

    def prepare(self) -> None:
        pass

    def rotate(self) -> int:
        self.newest += 1
        return self.newest

    def seal(self, plain: bytes, context: str) -> bytes:
        return self._seal(self.newest, plain, context)

    def _seal(self, version: int, plain: bytes, context: str) -> bytes:
        tag = self.mac("seal", bytes([version]) + context.encode() + b"\0" + plain)[:16]
        return bytes([version]) + tag + bytes(b ^ 0x5A for b in plain)

    def open(self, sealed: bytes, context: str) -> bytes:
        self.steps.step("vault.open", write=False)
        plain = bytes(b ^ 0x5A for b in sealed[17:])
        version = sealed[0] if sealed else 0
        if not 0 < version <= self.newest or sealed != self._seal(version, plain, context):
            raise Forged("not sealed by this vault in this context")
        return plain

    def mac(self, label: str, data: bytes) -> bytes:
        self.steps.step("vault.mac", write=False)
        self.macs[label, data] += 1
        key = hashlib.sha256(b"a fake key for " + label.encode()).digest()
        return hmac.new(key, data, hashlib.sha256).digest()


class FakeCredentials:
    def __init__(self) -> None:
        self._vault = FakeVault()

    def seal_credentials(self, plain: Mapping[str, Any]) -> bytes:
        return self._seal(plain, "credentials")

    def open_credentials(self, sealed: bytes) -> Mapping[str, Any]:
        plain: Mapping[str, Any] = json.loads(self._vault.open(sealed, "credentials"))
        return plain

    def seal_webhook(self, plain: Mapping[str, str]) -> bytes:
        return self._seal(plain, "webhook")

    def open_webhook(self, sealed: bytes) -> Mapping[str, str]:
        plain: Mapping[str, str] = json.loads(self._vault.open(sealed, "webhook"))
        return plain

    def _seal(self, plain: Mapping[str, Any], purpose: str) -> bytes:
        raw = json.dumps(plain).encode()
        if len(raw) > 4096:
            raise Invalid("credentials", "more than 4096 bytes")
        return self._vault.seal(raw, purpose)
