"""No verdict of a test depends on chance: ids and draws are a test's own, the same in each run."""

from __future__ import annotations

import os
import random
import secrets
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from chalicelib.domain import keys

ROOT = Path(__file__).resolve().parents[2]


def drawn() -> list[object]:
    return [
        secrets.token_hex(8),
        secrets.token_urlsafe(8),
        secrets.randbelow(10**9),
        secrets.choice(range(10**9)),
        os.urandom(8).hex(),
        uuid.uuid4().hex,
        random.random(),
        keys.message_id(1, secrets.token_bytes(4)),
    ]


@pytest.mark.parametrize("case", ["one", "other"])
def test_prints_what_it_draws(case: str) -> None:
    """A part of the next test, which runs this one twice and compares what it printed."""
    print(f"drawn {case}", *drawn())
    assert len(set(drawn())) == len(drawn())


def lines() -> list[str]:
    name = f"{Path(__file__).relative_to(ROOT)}::{test_prints_what_it_draws.__name__}"
    command = [sys.executable, "-m", "pytest", "-q", "-s", name]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [line.lstrip(".") for line in printed.splitlines() if line.lstrip(".").startswith("dra")]


def test_two_runs_draw_the_same_and_two_tests_do_not() -> None:
    one, other = lines()
    assert lines() == [one, other]
    assert not set(one.split()[2:]) & set(other.split()[2:])
