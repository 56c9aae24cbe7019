"""Secrets that are shown once. Of each only the hash is kept."""

from __future__ import annotations

import hashlib
import secrets


def new_key() -> str:
    """Return 24 hex digits, as UMS's keys are."""
    return secrets.token_hex(12)


def new_secret() -> str:
    """Return 32 hex digits: 128 random bits, as ASVS asks of secrets that a machine keeps."""
    return secrets.token_hex(16)


def new_token() -> str:
    """Return 32 characters of URL-safe base64."""
    return secrets.token_urlsafe(24)


def digest(secret: str) -> str:
    """Return the hash of a secret. Secrets of 128 random bits do not need a slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
