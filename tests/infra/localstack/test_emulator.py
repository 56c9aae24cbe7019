"""LocalStack takes the same package as AWS, and its stacks know their addresses beforehand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.local.emulators import DOCKER, LOCALSTACK, MiniStack, emulator_of
from infra.local.files import Stack
from infra.localstack import emulator as localstack
from infra.localstack.emulator import InContainers, LocalStack
from infra.package import CONTAINER, HERE
from infra.package_lock import LAYER_FILE

STACK = Stack(LOCALSTACK, "local")


def test_the_name_of_a_stack_says_on_what_it_runs() -> None:
    assert isinstance(emulator_of(Stack("demo", "local")), MiniStack)
    assert type(emulator_of(STACK)) is LocalStack
    assert type(emulator_of(Stack(DOCKER, "local"))) is InContainers


def test_the_template_is_the_packaged_one_with_a_name_for_the_api(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.local.files.LOCAL", tmp_path / ".local")
    packaged = tmp_path / "out"
    packaged.mkdir()
    template = {"Resources": {"RestAPI": {"Properties": {"OpenApiVersion": "2.0"}}, "Clock": {}}}
    (packaged / "sam.json").write_text(json.dumps(template))
    for name in ("deployment.zip", LAYER_FILE):
        (packaged / name).write_bytes(name.encode())
    named = LocalStack().package(STACK, packaged)
    deployed = json.loads((named / "sam.json").read_text())
    api = deployed["Resources"]["RestAPI"]["Properties"]
    assert api.pop("Tags") == {"_custom_id_": "openums-local"}
    assert api.pop("PropagateTags") is True
    assert deployed == template
    assert (named / "deployment.zip").read_bytes() == b"deployment.zip"


def test_the_address_is_that_of_the_named_api() -> None:
    url = LocalStack().api_url(STACK, {"emulator": 4566})
    assert url == "http://127.0.0.1:4566/_aws/execute-api/openums-local/api"
    assert url.endswith(localstack.path("local"))
    in_containers = InContainers()
    assert in_containers.api_url(STACK, in_containers.fixed_ports) == url.replace(
        "127.0.0.1", "localhost.localstack.cloud"
    )


def test_nothing_is_asked_of_the_outside(tmp_path: Path) -> None:
    variables = localstack.environment(tmp_path, 4566, 4567)
    quiet = ("DISABLE_EVENTS", "SKIP_SSL_CERT_DOWNLOAD")
    assert {variables[name] for name in quiet} == {"1"}
    assert variables["DNS_ADDRESS"] == "0"
    assert variables["DYNAMODB_LOCAL_PORT"] == "4567"
    listening = [variables["GATEWAY_LISTEN"], localstack.tables_environment(4567)["BIND_HOST"]]
    assert listening == ["127.0.0.1:4566", "127.0.0.1"]


def test_containers_get_wheels_for_containers_and_processes_those_of_this_machine() -> None:
    assert (LocalStack().target, InContainers().target) == (HERE, CONTAINER)
    assert InContainers().programs(STACK, {}) == {}
    assert InContainers().parameters()["EgressAllow"] == InContainers().host
