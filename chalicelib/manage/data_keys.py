"""Add a data key. New contacts and contents are sealed with it."""

from __future__ import annotations

from chalicelib.observability import event
from chalicelib.ports import World


def add(world: World) -> int:
    """Make a data key, and return its version."""
    version = world.vault.rotate()
    event("data_key_added", version=version)
    return version
