"""Locks between processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from threading import Thread

from infra.locks import one_at_a_time
from infra.package import BUILD, HERE, package

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


def test_packaging_waits_for_whoever_packages_for_the_same_target(tmp_path: Path) -> None:
    """In a fresh clone, two processes once installed into one folder."""
    begun: list[str] = []

    def package_nothing() -> None:
        try:
            package("test", target=HERE, source=tmp_path)
        except FileNotFoundError as error:  # there is not a project, as it finds out at once
            begun.append(str(error))

    other = Thread(target=package_nothing)
    with one_at_a_time(BUILD / f"package-{HERE}.lock"):
        other.start()
        other.join(0.5)
        assert not begun
    other.join()
    assert len(begun) == 1
