"""The lock of what is shipped, and the bill of materials that is made from it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra import package_lock, sbom
from infra.package_lock import DIRECT, LAYER, LOCK, LOCKS, ROOT

PACKAGES = {package.name: package for package in package_lock.read()}


def _pins(path: Path) -> dict[str, str]:
    pins = re.findall(r"^([\w.-]+)==(\S+)", path.read_text(), re.MULTILINE)
    return {package_lock.canonical(name): version for name, version in pins}


def test_everything_in_the_lock_has_a_hash_and_somebody_who_needs_it() -> None:
    assert sorted(PACKAGES) == list(PACKAGES) == list(_pins(LOCK))
    for package in PACKAGES.values():
        assert package.hashes
        assert set(package.needed_by) <= {DIRECT, *PACKAGES}


def test_the_lock_has_what_is_required_in_the_versions_that_the_tests_run_with() -> None:
    tested = _pins(ROOT / "requirements-lock.txt")
    assert {name: tested[name] for name in PACKAGES} == _pins(LOCK)
    direct = {name for name, package in PACKAGES.items() if DIRECT in package.needed_by}
    assert direct == set(_pins(ROOT / DIRECT))


def test_a_binary_wheel_is_locked_for_each_platform_and_python() -> None:
    """A wheel of the stable ABI serves several Pythons."""
    binary = {name: len(package.hashes) for name, package in PACKAGES.items()}
    assert binary["pydantic-core"] == len(package_lock.PYTHONS) * len(package_lock.PLATFORMS)
    assert binary["cryptography"] >= len(package_lock.PLATFORMS)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place_to_load_from(lock: package_lock.Lock) -> None:
    assert not re.search(r"://|--(extra-)?index-url|--find-links", lock.file.read_text())


def test_the_layer_is_locked_in_the_version_that_the_tests_run_with() -> None:
    tested = _pins(ROOT / "requirements-lock.txt")
    (duckdb,) = package_lock.read(LAYER.file)
    assert _pins(ROOT / LAYER.direct) == {duckdb.name: tested[duckdb.name]} == _pins(LAYER.file)
    assert duckdb.needed_by == (LAYER.direct,)
    assert len(duckdb.hashes) >= len(LAYER.platforms)


def test_a_failure_leaves_every_lock_as_it_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    versions = tmp_path / "versions.txt"
    versions.write_text("".join(f"{name}==0\n" for name in PACKAGES))
    before = [lock.file.read_bytes() for lock in LOCKS]
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(SystemExit, match="no wheels for manylinux2014_aarch64"):
        package_lock.main([str(versions)])
    assert [lock.file.read_bytes() for lock in LOCKS] == before


def test_a_file_with_another_hash_is_not_installed(tmp_path: Path) -> None:
    """By pip, which finds a local wheel under the locked name."""
    name = next(name for name in PACKAGES if name not in package_lock.NOT_FOR_LAMBDA)
    package = PACKAGES[name]
    wheel = tmp_path / f"{name.replace('-', '_')}-{package.version}-py3-none-any.whl"
    wheel.write_bytes(b"PK\x05\x06" + bytes(18))
    (tmp_path / "needed.txt").write_text(str(package))
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--no-index"]
    command += ["--ignore-installed", "--find-links", str(tmp_path), "--require-hashes"]
    done = subprocess.run(
        [*command, "-r", str(tmp_path / "needed.txt")], capture_output=True, text=True
    )
    assert done.returncode
    assert "DO NOT MATCH THE HASHES" in done.stderr


def test_what_chalice_adds_itself_is_locked_and_left_out_for_lambda() -> None:
    assert set(package_lock.NOT_FOR_LAMBDA) <= set(PACKAGES)
    assert "chalice==" not in package_lock.for_lambda()
    assert package_lock.for_lambda().count("==") == len(PACKAGES) - 1


def test_the_bill_names_every_package_its_hashes_and_its_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sbom.main(tmp_path / "new" / "bill.json")
    bill = json.loads(Path(capsys.readouterr().out.strip()).read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    components = {component["name"]: component for component in bill["components"]}
    shipped = {name: version for lock in LOCKS for name, version in _pins(lock.file).items()}
    assert {name: component["version"] for name, component in components.items()} == shipped
    assert components["boto3"]["purl"] == f"pkg:pypi/boto3@{PACKAGES['boto3'].version}"
    cffi = components["cffi"]["externalReferences"]
    assert [each["hashes"][0]["content"] for each in cffi] == list(PACKAGES["cffi"].hashes)
    needs = {each["ref"]: each["dependsOn"] for each in bill["dependencies"]}
    assert components["botocore"]["purl"] in needs[components["boto3"]["purl"]]
    root = bill["metadata"]["component"]["bom-ref"]
    assert len(needs[root]) == sum(len(_pins(ROOT / lock.direct)) for lock in LOCKS)
    assert set(needs) == {root, *(component["bom-ref"] for component in components.values())}
