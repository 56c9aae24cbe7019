"""Ids and drawn numbers of the code under test: the same ones in each run.

Ids hold random bits. A group of an A/B test, a shard or a page depends on them. With bits of the
machine, one run in a hundred is red, and nobody can repeat it.
"""

from __future__ import annotations

import os
import random

import pytest

# Tests against a stack that outlives them: what they drew in the run before is still there.
OTHERS = ("tests/journeys/", "tests/template/")


def settle(patch: pytest.MonkeyPatch, item: pytest.Item) -> None:
    """Draw all from a seed of the test's own: its name, and the seed of `make fuzz`."""
    if item.nodeid.startswith(OTHERS):
        return
    draw(patch, f"{item.config.getoption('--hypothesis-seed', default=None) or ''} {item.nodeid}")


def draw(patch: pytest.MonkeyPatch, seed: str) -> None:
    """Draw all from a seed."""
    random.seed(seed)
    drawn = random.Random(f"{seed} secrets").randbytes
    patch.setattr(os, "urandom", drawn)
    patch.setattr(random, "_urandom", drawn)  # of SystemRandom, and so of all of `secrets`
