"""An emulator for one test session, with everything that the template gives a stage."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from chalicelib import config, wiring
from chalicelib.domain.delivery_channels import Priority
from tests.liveness import PATIENCE, eventually

ROOT = Path(__file__).resolve().parents[2]
STAGE = "contract"
ACCOUNT = "000000000000"
REGION = "us-east-1"
BUCKET = "openums-contract-files"
FACTS_BUCKET = "openums-contract-facts"

_TABLE_PROPERTIES = (
    *("AttributeDefinitions", "KeySchema", "BillingMode", "StreamSpecification"),
    "GlobalSecondaryIndexes",
)


@contextmanager
def running(folder: Path, *, enforces_iam: bool = False) -> Iterator[str]:
    """Yield the address of an emulator. The process ends with the block."""
    log = folder / "emulator.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            _command(folder, enforces_iam),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield _address(process, log)
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _command(folder: Path, enforces_iam: bool) -> list[str]:
    options = {"--port": 0, "--door-port": 0, "--folder": folder}
    values = [str(part) for option in options.items() for part in option]
    rights = "--enforce-iam" if enforces_iam else "--no-enforce-iam"
    return [sys.executable, "-m", "infra.local.emulator", *values, rights]


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return the address of an emulator that answers. It has written its ports to its log."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def address() -> str:
        if process.poll() is not None:
            raise RuntimeError(f"the emulator did not start:\n{log.read_text()[-2000:]}")
        ports = re.search(r"on ports \((\d+), \d+\)\n", log.read_text())
        if ports is None:
            return ""
        with suppress(urllib.error.URLError, OSError):
            direct.open(f"http://127.0.0.1:{ports[1]}/_ministack/health", timeout=1)
            return f"http://127.0.0.1:{ports[1]}"
        return ""

    return eventually(address)


def environment(address: str) -> dict[str, str]:
    """Return the environment of a function of the stage, without the key."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "STAGE": STAGE,
        "CHANNEL_TYPES": ",".join(each.value for each in config.SUPPORTED_CHANNEL_TYPES),
        "WORKERS": "cmpp",
        "PUBLIC_URL": "https://ums.example.com",
        "QUEUE_URL_PREFIX": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/",
        "CLOCK_ARN": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{config.clock_name(STAGE)}",
        "WAKEUPS_ARN": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:schedules",
        "WAKEUPS_ROLE": f"arn:aws:iam::{ACCOUNT}:role/wakeups",
        "FILES_BUCKET": BUCKET,
        "SETTINGS_CACHE": "1000",
    }


def root_client(address: str, service: str) -> Any:
    """Return a client of the emulator's root, whatever the environment says."""
    return boto3.client(
        service,
        endpoint_url=address,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


class in_environment:
    """Variables for the length of a block, and nothing remembered of others."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._patch = pytest.MonkeyPatch()
        self._variables = variables

    def __enter__(self) -> None:
        for name in list(without_proxies()):
            self._patch.delenv(name)
        for name, value in self._variables.items():
            self._patch.setenv(name, value)
        self._forget()

    def __exit__(self, *_: object) -> None:
        self._patch.undo()
        self._forget()

    @staticmethod
    def _forget() -> None:
        from chalicelib.aws.clients import client

        client.cache_clear()
        config.settings.cache_clear()
        wiring.use(None)


@contextmanager
def own_session() -> Iterator[None]:
    """Let boto3 forget the credentials that it has read, now and at the end."""
    from chalicelib.aws.clients import client

    boto3.setup_default_session()
    client.cache_clear()
    try:
        yield
    finally:
        boto3.setup_default_session()
        client.cache_clear()


def create(client: Any) -> str:
    """Create everything that adapters need. Return the key's id."""
    create_tables(client, STAGE)
    for queue in _queues():
        client("sqs").create_queue(QueueName=config.queue_name(STAGE, queue))
    for bucket in (BUCKET, FACTS_BUCKET):
        client("s3").create_bucket(Bucket=bucket)
    wait = {"Type": "Wait", "TimestampPath": "$.at", "End": True}
    client("stepfunctions").create_state_machine(
        name=config.clock_name(STAGE),
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/clock",
        definition=json.dumps({"StartAt": "Wait", "States": {"Wait": wait}}),
    )
    client("scheduler").create_schedule_group(Name=config.schedule_group(STAGE))
    key_id: str = client("kms").create_key()["KeyMetadata"]["Arn"]
    return key_id


def create_tables(client: Any, stage: str, tables: Sequence[str] = config.TABLES) -> None:
    """Create the tables of a stage as the template has them."""
    resources = _template()["Resources"]
    for table in tables:
        _create_table(
            client("dynamodb"),
            config.table_name(stage, table),
            resources[f"{table.capitalize()}Table"]["Properties"],
        )


def _queues() -> list[str]:
    delivery = [
        config.delivery_queue(kind, each)
        for kind in config.SUPPORTED_CHANNEL_TYPES
        for each in Priority
    ]
    workers = [config.worker_queue("cmpp", each) for each in Priority]
    return [*map(config.chunks_queue, Priority), config.imports_queue(), *delivery, *workers]


def _create_table(dynamodb: Any, name: str, properties: dict[str, Any]) -> None:
    stream = properties.get("StreamSpecification")
    asked = {key: properties[key] for key in _TABLE_PROPERTIES if key in properties}
    if stream:
        asked["StreamSpecification"] = {**stream, "StreamEnabled": True}
    dynamodb.create_table(TableName=name, **asked)
    if "TimeToLiveSpecification" in properties:
        dynamodb.update_time_to_live(
            TableName=name, TimeToLiveSpecification=properties["TimeToLiveSpecification"]
        )


class _Loader(yaml.SafeLoader):
    """Reads a template without minding its functions."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: None)


def _template() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(
        (ROOT / "infra" / "template" / "resources.yaml").read_text(), _Loader
    )
    return found


def without_proxies() -> Iterator[str]:
    """Variables that would send calls for this machine elsewhere."""
    return (
        name for name in os.environ if name.lower() in ("http_proxy", "https_proxy", "all_proxy")
    )
