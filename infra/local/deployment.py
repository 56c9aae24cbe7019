"""Package and deploy the sources to the emulator, as for AWS."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.local.processes import DIRECT, NotStarted
from infra.package import HERE, ROOT

# Parameters of the template, except for the address.
PARAMETERS = {
    "ApiRate": "10000",
    "ReceiptRate": "10000",
    "LinkRate": "10000",
    "EgressAllow": "127.0.0.1",
}

# Somebody waits for lists, figures and callbacks. The stage `bench` has production's window.
SOON = {"BatchingWindow": "1"}
# The journeys use every door and option.
DOORS = {"RestApi": "on", "ReceiptsUrl": "on", "SendersUrl": "on", "FactFiles": "on"}
OF_STAGES = {"local": SOON, "test": SOON | DOORS}


def parameters(stage: str, worker: bool) -> dict[str, str]:
    """Return the template's parameters. The worker runs as a local process, without an image."""
    return {**PARAMETERS, **OF_STAGES.get(stage, {}), "CmppDesiredCount": str(int(worker))}


def start_packaging(stage: str, target: str = HERE) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "infra.package", "--stage", stage, "--target", target]
    # Proxies stay, since pip may need them.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end_packaging(packaging: subprocess.Popen[str]) -> Path:
    out, err = packaging.communicate()
    if packaging.returncode:
        raise NotStarted(f"packaging failed\n{err}")
    return Path(out.strip().splitlines()[-1])


def deploy(
    endpoint: str,
    stage: str,
    packaged: Path,
    parameters: Mapping[str, str],
    previous: Mapping[str, Any],
) -> dict[str, str]:
    """Deploy, and return the first access key if one was created.

    `parameters` are the template's. `previous` is the description of an earlier deployment.
    """
    from infra import deploy as deployment

    with local_aws(endpoint) as session:
        deployment.deploy(
            session,
            stage=stage,
            packaged=packaged,
            parameters=parameters,
            poll=0.1,
            say=lambda text: None,
        )
        _warm(endpoint)
        key = deployment.first_access_key(session, stage)
        if key is None and "access_key" not in previous:
            key = deployment.new_access_key(session, stage)
    return {"access_key": key.access_key, "access_secret": key.access_secret} if key else {}


def _warm(endpoint: str) -> None:
    with contextlib.suppress(urllib.error.URLError):
        request = urllib.request.Request(endpoint + "/_openums/warm", method="POST")
        DIRECT.open(request, timeout=5).close()


@contextlib.contextmanager
def local_aws(endpoint: str) -> Iterator[Any]:
    """Yield a boto3 session for the emulator, without this machine's configuration."""
    before = dict(os.environ)
    for name in before:
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.update(
        AWS_ENDPOINT_URL=endpoint,
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    )
    import boto3

    try:
        yield boto3.session.Session(
            aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
        )
    finally:
        os.environ.clear()
        os.environ.update(before)
