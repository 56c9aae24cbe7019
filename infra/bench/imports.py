"""Import times of the deployed configuration: the cost of a cold start before any work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.package import HERE, package

RUNS = 15
BOTO = "import boto3"
WORLD = (
    "from chalicelib import observability, wiring; observability.set_up(); wiring.world();"
    " import boto3"
)
API = f"import app; {WORLD}"
DELIVER = f"from chalicelib.entrypoints.lambdas import queues; {WORLD}"


def ratios() -> dict[str, float]:
    """Return the CPU time of the imports of the API and of a delivery function.

    They are multiples of `import boto3`, measured in turn with them. The shortest of several runs
    counts, because other processes only ever add to a run.
    """
    packaged = package("bench", target=HERE)
    environment = _environment(json.loads((packaged / "sam.json").read_text()))
    statements = (BOTO, API, DELIVER)
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(packaged / "deployment.zip") as zipped:
            zipped.extractall(folder)
        for statement in statements:
            _milliseconds(statement, folder, environment)  # writes byte code, warms the disk
        rounds = [
            [_milliseconds(statement, folder, environment) for statement in statements]
            for _ in range(RUNS)
        ]
    boto, api, deliver = map(min, zip(*rounds, strict=True))
    return {
        "boto3_ms": round(boto, 1),
        "api": round(api / boto, 2),
        "deliver": round(deliver / boto, 2),
    }


def _environment(template: Mapping[str, Any]) -> dict[str, str]:
    """Return Lambda's environment of the API in a deployment with the template's defaults.

    Values that only a deployment knows are placeholders.
    """
    variables = template["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    declared = {name: _default(value) for name, value in variables.items()}
    by_lambda = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "LAMBDA_TASK_ROOT": "/var/task",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "AWS_LAMBDA_FUNCTION_NAME": "x",
        "PATH": os.environ.get("PATH", ""),
    }
    return {**declared, **by_lambda}


def _default(value: Any) -> str:
    """Return the value of a variable. Conditions, such as tracing, are off by default."""
    if isinstance(value, str):
        return value
    return _default(value["Fn::If"][2]) if "Fn::If" in value else "https://x.example/"


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
