"""Import times of the deployed configuration: what a cold start pays before its first line of work."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.package import HERE, package

RUNS = 9
BOTO = "import boto3"
WORLD = "from chalicelib import observability, wiring; observability.set_up(); wiring.world(); import boto3"
API = f"import app; {WORLD}"
DELIVER = f"from chalicelib.entrypoints.lambdas import queues; {WORLD}"


def ratios() -> dict[str, float]:
    """CPU time of the API's and a delivery function's imports, each as a multiple of `import boto3` measured in turn with it."""
    made = package("bench", target=HERE)
    environment = _environment(json.loads((made / "sam.json").read_text()))
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(made / "deployment.zip") as zipped:
            zipped.extractall(folder)
        for statement in (BOTO, API, DELIVER):
            _milliseconds(statement, folder, environment)  # writes byte code, warms the disk
        runs = [
            [_milliseconds(s, folder, environment) for s in (BOTO, API, DELIVER)]
            for _ in range(RUNS)
        ]
    return {
        "boto3_ms": round(statistics.median(b for b, _, _ in runs), 1),
        "api": round(statistics.median(a / b for b, a, _ in runs), 2),
        "deliver": round(statistics.median(d / b for b, _, d in runs), 2),
    }


def _environment(template: Mapping[str, Any]) -> dict[str, str]:
    """As Lambda sets it for the API, with tracing on; what only a deployment knows is any word."""
    declared = template["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    own = {
        name: value if isinstance(value, str) else "https://x.example/"
        for name, value in declared.items()
    }
    by_lambda = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "LAMBDA_TASK_ROOT": "/var/task",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "AWS_LAMBDA_FUNCTION_NAME": "x",
        "PATH": os.environ.get("PATH", ""),
    }
    return {**own, **by_lambda}


def _milliseconds(statement: str, folder: str, environment: dict[str, str]) -> float:
    code = f"import sys, time; sys.path.insert(0, {folder!r}); t = time.process_time(); {statement}; print(time.process_time() - t)"
    command = [sys.executable, "-S", "-E", "-s", "-c", code]
    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=environment,
        cwd=Path(folder),
        timeout=60,
        check=True,
    )
    return float(ended.stdout.split()[-1]) * 1000
