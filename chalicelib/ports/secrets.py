"""Sealing: of contacts and contents, and of the secrets of delivery channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Vault(Protocol):
    """Sealing of contacts and contents, and keyed hashes."""

    def prepare(self) -> None:
        """Make the key unless it is there. Others than the API and imports may use it, and not make it."""

    def seal(self, plain: bytes, context: str) -> bytes: ...
    def open(self, sealed: bytes, context: str) -> bytes: ...
    def mac(self, label: str, data: bytes) -> bytes:
        """HMAC-SHA256 under a key of its own for each label."""


class Credentials(Protocol):
    """Secrets of delivery channels. Sending credentials can be opened by delivery functions only."""

    def seal_credentials(self, plain: Mapping[str, Any]) -> bytes: ...
    def open_credentials(self, sealed: bytes) -> Mapping[str, Any]: ...
    def seal_webhook(self, plain: Mapping[str, str]) -> bytes: ...
    def open_webhook(self, sealed: bytes) -> Mapping[str, str]: ...
