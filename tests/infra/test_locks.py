"""Locks between processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

from infra.local.emulators import MiniStack, Program
from infra.local.files import Stack
from infra.local.processes import alive, end
from infra.local.stack import start
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


class Slow(MiniStack):
    """An emulator that takes its time until it has its ports."""

    health = "/"

    def programs(self, stack: Stack, ports: Mapping[str, int]) -> Mapping[str, Program]:
        return {"emulator": Program("http.server", ["--bind", self.host, ports["emulator"]])}


def test_stacks_that_start_at_once_have_ports_of_their_own(tmp_path: Path) -> None:
    """Two fresh clones once chose the same ports, and one deployed to the other's emulator."""
    stacks = [Stack("first", "test", tmp_path), Stack("second", "test", tmp_path)]
    for stack in stacks:
        stack.folder.mkdir()
    with ThreadPoolExecutor(len(stacks)) as pool:
        started = list(pool.map(lambda stack: start(stack, Slow(), None, ()), stacks))
    pids = [pid for running in started for pid in running["pids"].values()]
    try:
        first, second = ({*running["ports"].values()} for running in started)
        assert not first & second
        assert all(map(alive, pids))
    finally:
        end(pids, 10)
