"""LocalStack's executor of functions: bare processes in place of containers.

It runs in LocalStack's own Python, with the deployed `deployment.zip`. LocalStack's interface:
localstack/services/lambda_/invocation/runtime_executor.py (4.14).
"""

from __future__ import annotations

import os
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import Any

from localstack import config
from localstack.services.lambda_.invocation.lambda_models import InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from infra.localstack.bootstrap import LAYERS
from infra.localstack.runtime_api import Event, Function

PYTHON = "OPENUMS_FUNCTION_PYTHON"  # the interpreter for which the package was made
LOG = "OPENUMS_FUNCTION_LOG"

_lock = threading.Lock()
running: dict[str, ProcessExecutor] = {}


class ProcessExecutor(RuntimeExecutor):
    """One process of a function."""

    def start(self, env_vars: dict[str, Any]) -> None:
        settings = self.function_version.config
        variables = {name: str(value) for name, value in env_vars.items()}
        variables |= {
            "LAMBDA_TASK_ROOT": str(_code(settings.code)),
            LAYERS: os.pathsep.join(str(_code(layer.code)) for layer in settings.layers),
            "PATH": os.environ["PATH"],
        }
        python, timeout = [os.environ[PYTHON]], float(settings.timeout)
        self.function = Function(python, variables, timeout, self._log)
        self.function.start()
        running[self.id] = self

    def stop(self) -> None:
        """Let a running invocation end, as AWS does when a function is updated."""
        running.pop(self.id, None)
        threading.Thread(target=self.function.finish, daemon=True).start()

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        event = Event(
            payload["invoke-id"],
            payload["invoked-function-arn"],
            payload["payload"].encode(),
            payload["trace-id"],
        )
        outcome, logs = self.function.invoke(event)
        logs = logs or f"END RequestId: {event.request_id}"  # LocalStack warns without a line
        return InvocationResult(event.request_id, outcome.payload, outcome.failed, logs)

    def get_address(self) -> str:
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        """Return LocalStack's own address. The process has a runtime API of its own."""
        return f"http://127.0.0.1:{config.GATEWAY_LISTEN[0].port}"

    def get_logs(self) -> str:
        return ""

    @property
    def short_name(self) -> str:
        """Return `deliver_sms` for `openums-local-deliver_sms`."""
        return str(self.function_version.id.function_name).split("-", 2)[-1]

    def _log(self, line: str) -> None:
        with _lock, Path(os.environ[LOG]).open("a", encoding="utf-8") as file:
            file.write(f"{self.short_name}  {line}\n")

    @classmethod
    def prepare_version(cls, function_version: Any) -> None:
        _code(function_version.config.code)

    @classmethod
    def cleanup_version(cls, function_version: Any) -> None:
        """Leave the code where it is, since other functions share it."""


def _code(archive: Any) -> Path:
    """Return the unpacked package. Functions of one package share it."""
    name = "code-" + "".join(filter(str.isalnum, archive.code_sha256))
    unpacked = Path(tempfile.gettempdir()) / name
    with _lock:
        if not unpacked.is_dir():
            fresh = unpacked.with_suffix(".tmp")
            with tempfile.TemporaryFile() as file:
                archive._download_archive_to_file(file)
                zipfile.ZipFile(file).extractall(fresh)
            fresh.rename(unpacked)
    return unpacked


def workers() -> list[dict[str, Any]]:
    """List the living processes that run functions."""
    return [
        {
            "function": executor.short_name,
            "pid": executor.function.pid,
            "busy": executor.function.is_busy,
        }
        for executor in list(running.values())
        if executor.function.pid is not None
    ]
