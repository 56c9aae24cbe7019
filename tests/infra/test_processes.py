"""Processes that the local stack starts are known again and ended."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.processes import NotStarted, alive, end, is_ours, ports


def test_a_process_is_known_by_its_module_however_long_its_path_is(tmp_path: Path) -> None:
    python = tmp_path / ("long" * 25)
    python.symlink_to(sys.executable)
    process = subprocess.Popen(
        [python, "-c", "import time; time.sleep(60)", "-m", "infra.local.emulator"]
    )
    try:
        assert is_ours(process.pid, "infra.local.emulator")
        assert not is_ours(process.pid, "infra.sandbox")
    finally:
        end([process.pid], patience=5)
    assert not alive(process.pid)
    assert not is_ours(process.pid, "infra.local.emulator")


def test_who_does_not_stop_in_time_is_killed() -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        " print('deaf', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()
        end([process.pid], patience=0.2)
        assert process.wait(5) != 0


def test_ports_are_in_a_row_and_those_that_are_taken_are_left_alone() -> None:
    chosen = ports(None, ("a", "b"))
    assert chosen["b"] == chosen["a"] + 1
    listen = (
        f"import socket; s = socket.create_server(('127.0.0.1', {chosen['b']}));"
        " print(1, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", listen],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(NotStarted, match=f"{chosen['a']} to {chosen['b']}"):
            ports(chosen["a"], ("a", "b"))
        other.kill()
