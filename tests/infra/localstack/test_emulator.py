"""LocalStack takes the same package as AWS, and its stacks know their addresses beforehand."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest

from infra.local import stack
from infra.local.emulators import DOCKER, LOCALSTACK, Emulator, MiniStack, emulator_of
from infra.local.files import Stack
from infra.local.processes import NotStarted
from infra.localstack import emulator as localstack
from infra.localstack.emulator import InContainers, LocalStack
from infra.package import CONTAINER, HERE, ROOT
from infra.package_lock import LAYER_FILE
from tests import ports

STACK = Stack(LOCALSTACK, "local")


def test_the_name_of_a_stack_says_on_what_it_runs() -> None:
    assert isinstance(emulator_of(Stack("demo", "local")), MiniStack)
    assert type(emulator_of(STACK)) is LocalStack
    assert type(emulator_of(Stack(DOCKER, "local"))) is InContainers


def test_the_template_is_the_packaged_one_with_a_name_for_the_api(tmp_path: Path) -> None:
    packaged = tmp_path / "out"
    packaged.mkdir()
    template = {"Resources": {"RestAPI": {"Properties": {"OpenApiVersion": "2.0"}}, "Clock": {}}}
    (packaged / "sam.json").write_text(json.dumps(template))
    for name in ("deployment.zip", LAYER_FILE):
        (packaged / name).write_bytes(name.encode())
    named = LocalStack().package(replace(STACK, home=tmp_path / ".local"), packaged)
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


@pytest.mark.parametrize("emulator", [MiniStack(), LocalStack()])
def test_a_stack_starts_anew_when_anything_of_its_emulator_has_changed(emulator: Emulator) -> None:
    """Every module of the room that the program imports is a source, and so is its lock."""
    sources = set(emulator.sources)
    begun = ROOT / f"{emulator.modules['emulator'].replace('.', '/')}.py"
    unread, needed = {begun}, {ROOT / "requirements-lock.txt"}
    while unread:
        path = unread.pop()
        needed.add(path)
        unread |= {file for file in imported(path) if file.parent == begun.parent} - needed
    assert needed <= sources
    assert all(path.is_file() for path in sources)


def test_a_new_environment_or_version_of_localstack_starts_it_anew() -> None:
    names = {path.name for path in LocalStack().sources}
    assert {"emulator.py", "requirements-localstack-lock.txt"} <= names


def imported(path: Path) -> set[Path]:
    """Return the files of infra that a module imports."""
    files: set[Path] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("infra."):
            names = [f"{node.module}.{name.name}" for name in node.names] + [str(node.module)]
            files |= {ROOT / f"{name.replace('.', '/')}.py" for name in names}
    return {file for file in files if file.is_file()}


def test_containers_that_nobody_has_started_are_said_in_a_sentence() -> None:
    class Elsewhere(InContainers):
        host = "127.0.0.1"

    emulator = Elsewhere()
    with ports.taken() as port:
        emulator.fixed_ports = {"emulator": port}
        with pytest.raises(NotStarted, match="does not answer: docker compose -f"):
            stack.up(Stack(DOCKER, "local"), emulator=emulator)


@pytest.mark.parametrize("name", ["localstack-venv", "stack.json", "../elsewhere", "a b", ""])
def test_a_name_that_is_taken_or_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(SystemExit, match="a stack cannot be called"):
        stack.main(["up", "--name", name])
