"""The key that seals contacts and contents."""

from __future__ import annotations

from chalicelib.entrypoints.http.schemas.base import Answer


class DataKey(Answer):
    version: int
