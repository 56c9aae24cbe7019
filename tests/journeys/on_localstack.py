"""Journeys that LocalStack cannot do, with the reason. docs/how-to/localstack.md lists them too."""

from __future__ import annotations

from collections.abc import Mapping

# By `file` or `file::test`.
MISSING: Mapping[str, str] = {}


def why_not(file: str, test: str) -> str | None:
    """Return the reason why LocalStack cannot do a test, or None if it can."""
    return MISSING.get(file) or MISSING.get(f"{file}::{test.partition('[')[0]}")
