"""Imports of each installation: none that only the tools for tests bring along.

A tool for tests is in every developer's environment, so that nobody else would notice.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.package import ROOT

OWN = ("app", "chalicelib", "infra", "tests")


def listed(file: str) -> Iterator[str]:
    """Yield the requirements of a file, and those of the files that it names."""
    for line in (ROOT / file).read_text().splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("-r "):
            yield from listed(text[3:])
        elif text:
            yield text


def installed(requirements: Iterable[str]) -> set[str]:
    """Return the names of distributions that these bring along, themselves included."""
    found: set[tuple[str, str]] = set()
    unread = [Requirement(each) for each in requirements]
    while unread:
        each = unread.pop()
        for extra in ("", *each.extras):
            key = (canonicalize_name(each.name), extra)
            if key in found:
                continue
            found.add(key)
            needed = map(Requirement, distribution(each.name).requires or ())
            unread += [
                one for one in needed if one.marker is None or one.marker.evaluate({"extra": extra})
            ]
    return {name for name, _ in found}


def imported(file: Path) -> set[str]:
    """Return the modules that a file imports anywhere, as `a.b`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return names


def foreign(names: Iterable[str]) -> set[str]:
    """Return the packages of others among modules."""
    tops = {name.partition(".")[0] for name in names}
    return tops - {*OWN, *sys.stdlib_module_names, "__future__"}


def reached(start: Path) -> set[Path]:
    """Return the project's files that a folder imports, its own included."""
    found, unread = set[Path](), sorted(start.rglob("*.py"))
    while unread:
        file = unread.pop()
        if file in found:
            continue
        found.add(file)
        for name in imported(file):
            place = ROOT.joinpath(*name.split("."))
            unread += [
                each for each in (place.with_suffix(".py"), place / "__init__.py") if each.is_file()
            ]
    return found


def missing(files: Iterable[Path], requirements: Iterable[str]) -> dict[str, list[str]]:
    """Return the packages that an installation lacks, with the files that import them."""
    has, owners = installed(requirements), packages_distributions()
    lacking: dict[str, list[str]] = {}
    for file in sorted(files):
        for name in foreign(imported(file)):
            if not has & {canonicalize_name(each) for each in owners.get(name, ())}:
                lacking.setdefault(name, []).append(str(file.relative_to(ROOT)))
    return lacking


def test_a_missing_package_is_found() -> None:
    files = [ROOT / "infra" / "local" / "emulator.py"]
    assert missing(files, ["aiohttp"]) == {
        name: ["infra/local/emulator.py"] for name in ("ministack", "uvicorn")
    }


@pytest.mark.parametrize(
    ("folder", "files"),
    [
        ("chalicelib", ("requirements.txt", "requirements-layer.txt")),
        ("infra", ("requirements-local.txt",)),
    ],
)
def test_code_imports_what_its_requirements_bring(folder: str, files: tuple[str, ...]) -> None:
    """`make up` and `make demo` install requirements-local.txt only."""
    requirements = [each for file in files for each in listed(file)]
    of_localstack = {ROOT / "infra" / "localstack" / f"{name}.py" for name in ("executor", "host")}
    code = set((ROOT / folder).rglob("*.py"))
    assert missing(code - of_localstack, requirements) == {}


def test_only_two_files_run_in_localstacks_own_environment() -> None:
    lacking = missing((ROOT / "infra").rglob("*.py"), listed("requirements-local.txt"))
    assert set(lacking) == {"localstack"}


def test_the_sandbox_in_a_container_has_what_it_imports() -> None:
    compose = yaml.safe_load((ROOT / "localstack-compose.yml").read_text())
    command = compose["services"]["sandbox"]["command"]
    install = re.search(r"-c requirements-lock\.txt (.+?) &&", command)
    assert install
    assert missing(reached(ROOT / "infra" / "sandbox"), install[1].split()) == {}
