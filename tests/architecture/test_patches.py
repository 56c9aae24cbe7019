"""Few tests replace a part of the code. Each that does has a reason, and more need a better one.

A test that replaces a part knows how the code is written, and passes when the part is broken. So
what a test wants otherwise is handed over: a fake, a size, a clock, a session.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.test_imports import ROOT

MOST = 22  # lower it when there are fewer, and do not raise it
REPLACING = ("setattr", "delattr")  # of pytest's monkeypatch, by whatever name
MOCKS = "unittest.mock"
OWN = ("tests", "__future__")
IGNORED = "type: ignore[" + "method-assign"  # mypy asks for it where a method is replaced


def patches(source: str) -> Iterator[int]:
    """Yield the lines of a test file that replace a part of the code."""
    tree = ast.parse(source)
    imported = frozenset(_imported(tree))
    for node in ast.walk(tree):
        if _replaces(node, imported):
            yield node.lineno  # type: ignore[attr-defined]
    for number, line in enumerate(source.splitlines(), 1):
        if IGNORED in line:
            yield number


def _replaces(node: ast.AST, imported: frozenset[str]) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr=name)) if name in REPLACING:
            return True
        case ast.Call(func=ast.Name(id=name), args=[place, *_]) if name in REPLACING:
            return _root(place) in imported
        case ast.Import(names=names):
            return any(alias.name == MOCKS for alias in names)
        case ast.ImportFrom(module=module, names=names):
            return f"{module}.{names[0].name}" == MOCKS or module == MOCKS
        case ast.Attribute(value=place, ctx=ast.Store() | ast.Del()):
            return _root(place) in imported
    return False


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a file has imported from outside of the tests."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0]
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] not in OWN:
            yield from (alias.asname or alias.name for alias in node.names)


def _root(node: ast.AST) -> str:
    """Return the name at which a chain of attributes begins, or nothing."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def places() -> Iterator[str]:
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if path != Path(__file__):
            yield from (f"{path.relative_to(ROOT)}:{n}" for n in patches(path.read_text()))


def test_few_tests_replace_a_part_of_the_code() -> None:
    found = list(places())
    assert len(found) <= MOST, (
        f"{len(found)} patches, at most {MOST}. Hand over what the test wants otherwise: a fake"
        f" (Steps.fail, Steps.meanwhile), a size, a clock, a session.\n" + "\n".join(found)
    )


@pytest.mark.parametrize(
    "line",
    [
        "monkeypatch.setattr(x, 'y', 1)",
        "with monkeypatch.context() as broken: broken.setattr('a.b', 1)",
        "from unittest.mock import patch",
        "from unittest import mock",
        "import unittest.mock",
        "from chalicelib.flow import gate\ngate.RULES = ()",
        "from chalicelib.flow import gate\ndel gate.RULES",
        "import infra.deploy\ninfra.deploy.execute = print",
        "from infra import deploy\nsetattr(deploy, 'execute', print)",
        "fake.users.save = print  # type: ignore[" + "method-assign]",
    ],
)
def test_a_replacement_is_found_by_whatever_name(line: str) -> None:
    assert len(list(patches(line))) == 1


@pytest.mark.parametrize(
    "line",
    ["fake.limits = limits", "monkeypatch.setenv('A', 'b')", "self.now = 1", "name.x += 1"],
)
def test_what_a_test_sets_of_its_own_is_no_patch(line: str) -> None:
    assert not list(patches(line))
