"""LocalStack as the emulator of a local stack: its processes, and what its deployment needs.

LocalStack's community edition lacks HTTP APIs. So the REST API is on, and is the address.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.local.emulators import Program
from infra.local.files import LOCAL, Stack
from infra.local.processes import NotStarted
from infra.package import CONTAINER, HERE, ROOT
from infra.package_lock import LAYER_FILE
from infra.sandbox import accounts as sandbox

FOLDER = ROOT / "infra" / "localstack"
PYTHON = LOCAL / "localstack-venv" / "bin" / "python"
API = "RestAPI"
NAMED = "_custom_id_"  # LocalStack's tag for the id of a new REST API
API_STAGE = "api"


class LocalStack:
    modules = {"emulator": "infra.localstack.host", "tables": "ministack"}
    ports = ("emulator", "tables")
    fixed_ports: Mapping[str, int] = {}
    begin = ""
    host = "127.0.0.1"
    health = "/_localstack/health"
    target = HERE
    sources = [
        FOLDER / "bootstrap.py",
        FOLDER / "emulator.py",
        FOLDER / "executor.py",
        FOLDER / "host.py",
        FOLDER / "runtime_api.py",
        ROOT / "requirements-localstack.txt",
        ROOT / "requirements-localstack-lock.txt",
        ROOT / "requirements-lock.txt",  # of MiniStack, which keeps the tables
    ]

    def programs(self, stack: Stack, ports: Mapping[str, int]) -> Mapping[str, Program]:
        if not PYTHON.is_file():
            raise NotStarted(f"{PYTHON.relative_to(ROOT)} is missing: make localstack installs it")
        folder, port, tables = stack.folder.resolve(), ports["emulator"], ports["tables"]
        (folder / "tmp").mkdir(parents=True, exist_ok=True)
        variables = environment(folder, port, tables)
        return {
            "tables": Program(self.modules["tables"], environment=tables_environment(tables)),
            "emulator": Program(self.modules["emulator"], (), variables, str(PYTHON)),
        }

    def api_url(self, stack: Stack, ports: Mapping[str, int]) -> str:
        return f"http://{self.host}:{ports['emulator']}{path(stack.stage)}"

    def parameters(self) -> Mapping[str, str]:
        """Return what LocalStack needs. docs/how-to/localstack.md has the reasons."""
        return {
            "RestApi": "on",
            "ReceiptsUrl": "off",  # its host name cannot be resolved on every machine
            "SendersUrl": "off",
            "Dashboard": "off",  # `${!…}` is taken for a reference
            "CmppDesiredCount": "1",  # once it is 0, updates are refused. No image, no worker
        }

    def package(self, stack: Stack, packaged: Path) -> Path:
        """Copy the package, and name the REST API, so that its address is known beforehand."""
        named = stack.folder / "package"
        named.mkdir(parents=True, exist_ok=True)
        for file in ("deployment.zip", LAYER_FILE):
            shutil.copyfile(packaged / file, named / file)
        template = json.loads((packaged / "sam.json").read_text())
        api = template["Resources"][API]["Properties"]
        api |= {"Tags": {NAMED: api_id(stack.stage)}, "PropagateTags": True}
        (named / "sam.json").write_text(json.dumps(template))
        return named


class InContainers(LocalStack):
    """LocalStack and the sandbox as localstack-compose.yml starts them.

    The host name leads to LocalStack from everywhere. This machine asks the public DNS, and
    functions ask LocalStack's own. The sandbox shares LocalStack's network.
    """

    modules: Mapping[str, str] = {}
    begin = "docker compose -f localstack-compose.yml up -d"
    fixed_ports = {
        "emulator": 4566,
        "sandbox": 4568,
        "smtp": 4569,
        "smtps": 4570,
        "starttls": 4571,
        "cmpp": 4572,
    }
    host = sandbox.LOCALSTACK
    target = CONTAINER

    def programs(self, stack: Stack, ports: Mapping[str, int]) -> Mapping[str, Program]:
        return {}

    def parameters(self) -> Mapping[str, str]:
        return {**super().parameters(), "EgressAllow": self.host}


def api_id(stage: str) -> str:
    return f"openums-{stage}"


def path(stage: str) -> str:
    """Return the API's path at LocalStack's port."""
    return f"/_aws/execute-api/{api_id(stage)}/{API_STAGE}"


def environment(folder: Path, port: int, tables: int) -> dict[str, str]:
    """Return LocalStack's variables, and those of executor.py.

    Source: docs.localstack.cloud/references/configuration (4.14)
    """
    return {
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "LOCALSTACK_HOST": f"127.0.0.1:{port}",
        "FILESYSTEM_ROOT": str(folder / "tmp" / "localstack"),
        "TMPDIR": str(folder / "tmp"),
        # Nothing is asked of the outside, or told to it.
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DNS_ADDRESS": "0",
        # Streams of the engine itself. The other kind needs a program that is downloaded.
        "PROVIDER_OVERRIDE_DYNAMODB": "v2",
        "DYNAMODB_LOCAL_PORT": str(tables),
        "CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES": "1",
        # LocalStack would look at an empty queue every ten seconds.
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "1",
        "LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT": "60",
        "LS_LOG": "warning",
        # The interpreter without the virtual environment, for which functions are packaged.
        "OPENUMS_FUNCTION_PYTHON": str(getattr(sys, "_base_executable", sys.executable)),
        "OPENUMS_FUNCTION_LOG": str(folder / "functions.log"),
    }


def tables_environment(port: int) -> dict[str, str]:
    """Return the variables of MiniStack as the engine of DynamoDB."""
    return {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "AUTH": "false",
        "SERVICES": "dynamodb,dynamodbstreams",
        "LOG_LEVEL": "WARNING",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
    }
