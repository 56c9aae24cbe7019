"""localstack-compose.yml starts what `make up NAME=docker` deploys to."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from infra.localstack.emulator import InContainers
from infra.package import ROOT
from infra.sandbox import accounts

FILE = ROOT / "localstack-compose.yml"
COMPOSE = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_images_are_pinned() -> None:
    images = {name: service["image"] for name, service in SERVICES.items()}
    assert images["localstack"] == "localstack/localstack:4.14.0"
    assert all(re.fullmatch(r"[\w/.-]+:\d+\.\d[\w.-]*", image) for image in images.values())


def test_the_version_is_that_of_the_run_without_docker() -> None:
    requirements = (ROOT / "requirements-localstack.txt").read_text()
    (version,) = re.findall(r"^localstack-core\[runtime\]==(.+)$", requirements, re.MULTILINE)
    assert SERVICES["localstack"]["image"].endswith(f":{version}")


def test_ports_are_open_to_this_machine_only_and_those_that_the_stack_expects() -> None:
    ports = InContainers().fixed_ports
    public = [ports[name] for name in ("emulator", "sandbox")]
    assert SERVICES["localstack"]["ports"] == [f"127.0.0.1:{port}:{port}" for port in public]


def test_the_sandbox_listens_where_functions_reach_it() -> None:
    assert SERVICES["sandbox"]["network_mode"] == "service:localstack"
    _, _, script = shlex.split(SERVICES["sandbox"]["command"])
    options = shlex.split(script.partition("python -m infra.sandbox")[2])
    told = dict(zip(options[::2], options[1::2], strict=True))
    ports = InContainers().fixed_ports
    names = ("smtp", "smtps", "starttls", "cmpp")
    wanted = {f"--{name}-port": str(ports[name]) for name in names}
    assert told == {"--host": "0.0.0.0", "--http-port": str(ports["sandbox"]), **wanted}


def test_the_sandbox_posts_to_the_address_of_the_stack() -> None:
    host = InContainers().host
    assert accounts.is_local(f"http://{host}:4566/")
    assert SERVICES["localstack"]["environment"]["LOCALSTACK_HOST"] == f"{host}:4566"


def test_functions_share_a_network_with_localstack() -> None:
    (network,) = SERVICES["localstack"]["networks"]
    assert COMPOSE["networks"][network]["name"] == network
    assert SERVICES["localstack"]["environment"]["LAMBDA_DOCKER_NETWORK"] == network


def test_lines_fit() -> None:
    assert max(map(len, FILE.read_text().splitlines())) <= 100


@pytest.mark.skipif(not shutil.which("docker-compose"), reason="docker-compose is not installed")
def test_docker_compose_takes_the_file() -> None:
    ended = subprocess.run(
        ["docker-compose", "-f", str(FILE), "config", "-q"], capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")
