"""Processes of this machine: started so that they outlive us, watched by pid, ended; and ports for them to listen on."""

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
DIRECT = urllib.request.build_opener(
    urllib.request.ProxyHandler({})
)  # to this machine, whatever proxy it uses for others


class NotStarted(Exception):
    pass


def spawn(
    module: str, options: Iterable[object], log: Path, environment: dict[str, str] | None = None
) -> int:
    """A process of its own session: it survives this one and hears no Ctrl-C."""
    with log.open("wb") as file:
        started = subprocess.Popen(
            [sys.executable, "-m", module, *(str(word) for word in options)],
            cwd=ROOT,
            env=_clean_environment() | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    return started.pid


def _clean_environment() -> dict[str, str]:
    """Nothing of this machine's AWS account or proxies gets into the functions."""
    unwanted = ("AWS_", "PYTHON", "LOCALSTACK", "MINISTACK")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(unwanted) and not name.lower().endswith("_proxy")
    }
    return {**kept, "PYTHONUNBUFFERED": "1"}


def end(pids: list[int], patience: float, others: Iterable[int] = ()) -> None:
    """Ask them to stop; what has not done so in time is killed, as are the others."""
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
    """A pid may have been given to somebody else since."""
    # Where nobody looks, ps cuts lines at 80 characters, behind which a long path pushes the module.
    found = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True
    )
    return module in found.stdout


def alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    found = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True
    ).stdout.strip()
    return bool(found) and not found.startswith("Z")


def ports(first: int | None, names: Sequence[str]) -> dict[str, int]:
    """As many in a row, the first that are free unless the caller says which."""
    for base in [first] if first else range(FIRST_PORT, 65000, 10):
        found = {name: base + number for number, name in enumerate(names)}
        if all(_is_free(port) for port in found.values()):
            return found
    raise NotStarted(
        f"not all of the ports from {first} to {(first or 0) + len(names) - 1} are free"
    )


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
