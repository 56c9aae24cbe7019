"""Constants of JPush's tests."""

from __future__ import annotations

NOON = 1_800_000_000.0 - 1_800_000_000 % 86400 + 4 * 3600  # 12:00 in Beijing
CREDENTIALS = {"app_key": "k1", "master_secret": "s1"}
