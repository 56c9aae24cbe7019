"""Sealing of contacts and contents, and of the secrets of delivery channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Vault(Protocol):
    """Sealing of contacts and contents, and keyed hashes."""

    def prepare(self) -> None:
        """Create the key if it is missing.

        Only the API and imports may create it. All others may only use it.
        """

    def seal(self, plain: bytes, context: str) -> bytes: ...
    def open(self, sealed: bytes, context: str) -> bytes:
        """Open sealed bytes. Raise Forged for bytes that were not sealed here for this context."""

    def rotate(self) -> int:
        """Make a new key, and return its version. Values that older keys sealed still open.

        Only the API may.
        """

    def mac(self, label: str, data: bytes) -> bytes:
        """Return the HMAC-SHA256 of data. Every label has a key of its own, which never changes."""


class Credentials(Protocol):
    """Secrets of delivery channels. Only delivery functions can open sending credentials."""

    def seal_credentials(self, plain: Mapping[str, Any]) -> bytes: ...
    def open_credentials(self, sealed: bytes) -> Mapping[str, Any]: ...
    def seal_webhook(self, plain: Mapping[str, str]) -> bytes: ...
    def open_webhook(self, sealed: bytes) -> Mapping[str, str]: ...
