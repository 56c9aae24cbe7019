"""Locks between processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from infra.locks import one_at_a_time

TRY = """
import fcntl, sys
with open(sys.argv[1], "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
"""


def is_free(lock: Path) -> bool:
    tried = subprocess.run([sys.executable, "-c", TRY, str(lock)], capture_output=True)
    return tried.returncode == 0


def test_a_lock_is_held_by_one_process_until_it_lets_go(tmp_path: Path) -> None:
    lock = tmp_path / "new folder" / "lock"
    with one_at_a_time(lock):
        assert not is_free(lock)
    assert is_free(lock)
