"""Run what takes long beside each other: `python -m tests`.

Journeys wait for much of their time. The other tests take the cores that journeys leave. They get
a quarter of a core where something else keeps it busy, so that they end there too.
"""

from __future__ import annotations

import os
import subprocess
import sys

from infra.package import ROOT
from tests.journeys import __main__ as journeys

LONG = ("tests/template", "tests/contracts", "tests/growth", "tests/simulation")


def main() -> int:
    command = ["nice", "-n", "5", sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile"]
    with subprocess.Popen(
        [*command, *LONG],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},  # the same inputs each time
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as others:
        failed = journeys.main()
        written, _ = others.communicate()
    print(written)
    return int(bool(failed or others.returncode))


if __name__ == "__main__":
    sys.exit(main())
