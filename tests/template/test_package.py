"""The package: its handlers, its binaries and its descriptions of services."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra import package
from infra.package import AWS_SERVICES, ENDPOINTS, ROOT
from infra.package_lock import LAYER_FILE
from tests.template.conftest import of_type


def test_every_handler_of_the_package_imports_in_a_bare_interpreter(
    packaged_here: Path, tmp_path: Path
) -> None:
    template = json.loads((packaged_here / "sam.json").read_text())
    with zipfile.ZipFile(packaged_here / "deployment.zip") as zipped:
        zipped.extractall(tmp_path)
    handlers = [
        properties["Handler"] for _, properties in of_type(template, "AWS::Serverless::Function")
    ]
    environment = next(of_type(template, "AWS::Serverless::Function"))[1]["Environment"][
        "Variables"
    ]
    plain = {name: value if isinstance(value, str) else "-" for name, value in environment.items()}
    script = (
        "import importlib, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "for handler in sys.argv[2:]:\n"
        "    module, _, name = handler.rpartition('.')\n"
        "    assert callable(getattr(importlib.import_module(module), name)), handler\n"
    )
    bare = [getattr(sys, "_base_executable", sys.executable), "-S", "-E", "-s"]
    done = subprocess.run(
        [*bare, "-c", script, str(tmp_path), *handlers], env=plain, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    # The function of receipts runs the API's handler.
    assert sorted(handlers) == sorted([*set(handlers), "app.app"])


def test_cfn_lint_finds_nothing(packaged: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), packaged / "sam.json"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_the_package_for_aws_has_arm_binaries_only(packaged: Path) -> None:
    with zipfile.ZipFile(packaged / "deployment.zip") as zipped:
        names = zipped.namelist()
    binaries = [name for name in names if name.endswith(".so")]
    assert binaries
    assert not [name for name in binaries if "x86_64" in name or "darwin" in name]
    assert not [
        name for name in names if name.startswith(("pip/", "setuptools/", "infra/", "tests/"))
    ]


def test_duckdb_is_in_the_layer_alone_and_both_fit_in_lambda(packaged: Path) -> None:
    """Lambda takes 250 MB of a function with its layers, unzipped."""
    with zipfile.ZipFile(packaged / "deployment.zip") as code:
        names, size = code.namelist(), sum(entry.file_size for entry in code.infolist())
    assert not [name for name in names if "duckdb" in name and not name.startswith("chalicelib")]
    with zipfile.ZipFile(packaged / LAYER_FILE) as layer:
        assert {name.split("/")[0] for name in layer.namelist()} == {"python"}
        binaries = [name for name in layer.namelist() if name.endswith(".so")]
        size += sum(entry.file_size for entry in layer.infolist())
    assert [name for name in binaries if "_duckdb" in name and "aarch64" in name]
    assert size < 250 * 10**6


def test_the_functions_python_is_pinned_whoever_packages(packaged: Path) -> None:
    version = "{}.{}".format(*package.RUNTIME)
    template = json.loads((packaged / "sam.json").read_text())
    runtimes = {
        properties["Runtime"] for _, properties in of_type(template, "AWS::Serverless::Function")
    }
    assert runtimes == {f"python{version}"}
    with zipfile.ZipFile(packaged / "deployment.zip") as zipped:
        names = zipped.namelist()
    built = {name for name in names if name.endswith(".so") and ".cpython-" in name}
    assert built
    assert all(f".cpython-{version.replace('.', '')}-" in name for name in built)


def test_byte_code_is_that_of_the_functions_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.py").write_text("x = 1")
    monkeypatch.setattr(package, "OWN", (3, 99))
    monkeypatch.setattr("shutil.which", lambda name: None)
    package._compile([tmp_path], package.RUNTIME)
    assert not list(tmp_path.rglob("*.pyc"))
    assert "no Python 3.11 here" in capsys.readouterr().err
    asked: list[str] = []
    monkeypatch.setattr("shutil.which", lambda name: asked.append(name) or sys.executable)
    package._compile([tmp_path / "one.py"], package.RUNTIME)
    assert asked == ["python3.11"]
    assert [path.stem.split(".")[0] for path in tmp_path.rglob("*.pyc")] == ["one"]


def test_the_package_has_the_descriptions_of_the_services_that_are_used() -> None:
    asked = set()
    for path in (ROOT / "chalicelib").rglob("*.py"):
        for call in ("client(", "resource("):
            for piece in path.read_text().split(call)[1:]:
                if piece[:1] in "\"'":
                    asked.add(piece[1:].split(piece[0])[0])
    assert asked <= set(AWS_SERVICES)


def test_the_package_has_the_endpoints_of_those_services_alone(packaged: Path) -> None:
    with zipfile.ZipFile(packaged / "deployment.zip") as zipped:
        endpoints = json.loads(zipped.read("botocore/data/endpoints.json"))
    named = {name for partition in endpoints["partitions"] for name in partition["services"]}
    assert named == set(ENDPOINTS)
    partitions = {partition["partition"] for partition in endpoints["partitions"]}
    assert {"aws", "aws-cn"} <= partitions
