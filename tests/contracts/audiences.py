"""Sets of users that the contract suites read."""

from __future__ import annotations

from chalicelib.domain import keys

EVERYWHERE = range(keys.BUCKETS)
