"""Run all journeys, on three stacks beside each other: `python -m tests.journeys`.

Most journeys share a stack. Those that would disturb others have two stacks, and mostly wait there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from infra.local.files import Stack
from infra.local.stack import down, up
from infra.package import ROOT

SHARED, STAGE = "test", "test"
# The options of pytest, by the name of the stack.
LANES: Mapping[str, Sequence[str]] = {
    SHARED: ("-n", "4", "-m", "not alone and not last"),
    "test-alone": ("-m", "(alone and not packages) or last"),
    "test-packages": ("-m", "(alone and packages) or last"),
}


def run(name: str, options: Sequence[str]) -> tuple[bool, str]:
    """Return whether a lane passed, and what it wrote. The shared lane writes at once."""
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/journeys", *options],
        cwd=ROOT,
        env={**os.environ, "STACK": name},
        stdout=None if name == SHARED else subprocess.PIPE,
        stderr=None if name == SHARED else subprocess.STDOUT,
        text=True,
    )
    return ended.returncode == 0, ended.stdout or ""


def main() -> int:
    stacks = [Stack(name, STAGE) for name in LANES]
    try:
        for stack in stacks:
            down(stack)
            up(stack)
        with ThreadPoolExecutor(len(LANES)) as pool:
            lanes = [*pool.map(run, LANES, LANES.values())]
        lanes.append(run(SHARED, ("-m", "last")))
    finally:
        for stack in stacks:
            down(stack)
    print(*(written for _, written in lanes if written), sep="\n")
    return int(not all(passed for passed, _ in lanes))


if __name__ == "__main__":
    sys.exit(main())
