"""Local processes that outlive their parent, are watched and ended by pid, and their ports."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path

from infra.package import ROOT

FIRST_PORT = 4566
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # without a proxy


class NotStarted(Exception):
    pass


def spawn(
    module: str,
    options: Iterable[object],
    log: Path,
    environment: dict[str, str] | None = None,
    python: str = sys.executable,
) -> int:
    """Start a process in its own session, so that it survives this one and ignores Ctrl-C."""
    with log.open("wb") as file:
        started = subprocess.Popen(
            [python, "-m", module, *map(str, options)],
            cwd=ROOT,
            env=_clean_environment() | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    return started.pid


def _clean_environment() -> dict[str, str]:
    """Keep this machine's AWS account and proxies out of the functions."""
    removed = ("AWS_", "PYTHON", "LOCALSTACK", "MINISTACK")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(removed) and not name.lower().endswith("_proxy")
    }
    return {**kept, "PYTHONUNBUFFERED": "1"}


def end(pids: list[int], patience: float, others: Iterable[int] = ()) -> None:
    """Ask processes to stop. Kill those that do not stop in time, and `others`."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in [*pids, *others]:
        if alive(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def is_ours(pid: int, module: str) -> bool:
    """Return True if the pid still runs our module, and not another program."""
    # Without a terminal, ps cuts lines at 80 characters unless it gets -ww.
    # A long path then pushes the module out of the line.
    listed = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True
    )
    return module in listed.stdout


def alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    state = listed.stdout.strip()
    return bool(state) and not state.startswith("Z")


def ports(first: int | None, names: Sequence[str]) -> dict[str, int]:
    """Return ports in a row, from `first` or the first that are free."""
    for base in [first] if first else range(FIRST_PORT, 65000, 10):
        chosen = {name: base + number for number, name in enumerate(names)}
        if all(map(_is_free, chosen.values())):
            return chosen
    last = (first or 0) + len(names) - 1
    raise NotStarted(f"not all of the ports from {first} to {last} are free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def answers(url: str) -> bool:
    try:
        with DIRECT.open(url, timeout=2):
            return True
    except (OSError, ValueError):
        return False
