"""Pages, in a folder for each section. Each registers what it serves when it is imported."""

from __future__ import annotations

import importlib
from functools import cache

SECTIONS = (
    "sign_in",
    "account",
    "overview",
    "messages",
    "send",
    "drafts",
    "schedules",
    "ab_tests",
    "stats",
    "review",
    "rules",
    "words",
    "topics",
    "callbacks",
    "suppressions",
    "templates",
    "strategies",
    "users",
    "groups",
    "segments",
    "imports",
    "channels",
    "third_party",
    "labels",
    "settings",
    "members",
    "audit",
    "global_key",
    "developer",
    "inbox",
    "search",
)


@cache
def load() -> None:
    """Import every section, once, when the first page is asked for."""
    for section in SECTIONS:
        importlib.import_module(f"{__name__}.{section}.page")
