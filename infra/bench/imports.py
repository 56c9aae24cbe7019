"""Import times of the deployed configuration: the cost of a cold start before any work."""

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
WORLD = (
    "from chalicelib import observability, wiring; observability.set_up(); wiring.world();"
    " import boto3"
)
API = f"import app; {WORLD}"
DELIVER = f"from chalicelib.entrypoints.lambdas import queues; {WORLD}"


def ratios() -> dict[str, float]:
    """Return the CPU time of the imports of the API and of a delivery function.

    They are multiples of `import boto3`, measured in turn with them.
    """
    packaged = package("bench", target=HERE)
    environment = _environment(json.loads((packaged / "sam.json").read_text()))
    boto, api, deliver = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(packaged / "deployment.zip") as zipped:
            zipped.extractall(folder)
        for statement in (BOTO, API, DELIVER):
            _milliseconds(statement, folder, environment)  # writes byte code, warms the disk
        for _ in range(RUNS):
            boto.append(_milliseconds(BOTO, folder, environment))
            api.append(_milliseconds(API, folder, environment) / boto[-1])
            deliver.append(_milliseconds(DELIVER, folder, environment) / boto[-1])
    return {
        "boto3_ms": round(statistics.median(boto), 1),
        "api": round(statistics.median(api), 2),
        "deliver": round(statistics.median(deliver), 2),
    }


def _environment(template: Mapping[str, Any]) -> dict[str, str]:
    """Return Lambda's environment of the API, with tracing on.

    Values that only a deployment knows are placeholders.
    """
    variables = template["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    declared = {
        name: value if isinstance(value, str) else "https://x.example/"
        for name, value in variables.items()
    }
    by_lambda = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "LAMBDA_TASK_ROOT": "/var/task",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "AWS_LAMBDA_FUNCTION_NAME": "x",
        "PATH": os.environ.get("PATH", ""),
    }
    return {**declared, **by_lambda}


def _milliseconds(statement: str, folder: str, environment: dict[str, str]) -> float:
    code = (
        f"import sys, time; sys.path.insert(0, {folder!r}); t = time.process_time(); {statement};"
        " print(time.process_time() - t)"
    )
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
