"""Few tests replace a part of the code. Each that does has a reason, and more need a better one.

A test that replaces a part knows how the code is written, and passes when the part is broken. So
what a test wants otherwise is handed over: a fake, a size, a clock, a session.
"""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest

from tests import own_thread
from tests.architecture.test_imports import ROOT

MOST = 24  # lower it when there are fewer, and do not raise it
REPLACING = ("setattr", "delattr")  # of pytest's monkeypatch, by whatever name
MOCKS = "unittest.mock"
OWN = ("tests", "__future__")
FAKES = Path(__file__).parents[1] / "fakes"


def patches(source: str) -> Iterator[int]:
    """Yield the lines of a test file that replace a part of the code."""
    tree = ast.parse(source)
    imported = frozenset(_imported(tree))
    functions = frozenset(n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))
    for node in ast.walk(tree):
        if _replaces(node, imported) or _replaces_a_method(node, functions):
            yield node.lineno  # type: ignore[attr-defined]


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


def _replaces_a_method(node: ast.AST, functions: frozenset[str]) -> bool:
    """Tell an assignment of a function to what is a method of a fake."""
    match node:
        case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"))]):
            return False
        case ast.Assign(targets=[ast.Attribute(attr=name)], value=value) if name in methods():
            is_function = isinstance(value, ast.Name) and value.id in functions
            return is_function or isinstance(value, ast.Lambda | ast.Attribute)
    return False


@cache
def methods() -> frozenset[str]:
    """Return the methods of fakes, without names that they set as attributes."""
    nodes = [n for path in FAKES.glob("*.py") for n in ast.walk(ast.parse(path.read_text()))]
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    defined = {n.name for each in classes for n in each.body if isinstance(n, ast.FunctionDef)}
    stored = (n for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store))
    return frozenset(defined - {node.attr for node in stored})


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


def test_only_the_thread_of_a_test_gets_another_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads of the emulator's modules would spin, and their sleeps count as the test's."""
    slept: list[float] = []
    own_thread.replace(monkeypatch, "time.sleep", slept.append)
    with ThreadPoolExecutor(1) as other:
        other.submit(time.sleep, 0.001).result()
    time.sleep(60)
    assert slept == [60]
    sources = {path: path.read_text() for path in (ROOT / "tests").rglob("*.py")}
    clocks = [path for path, source in sources.items() if re.search(r"setattr\(.?time\b", source)]
    assert clocks == []


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
        "fake.users.save = lambda users: frozenset()",
        "def save(users): ...\nfake.users.save = save",
    ],
)
def test_a_replacement_is_found_by_whatever_name(line: str) -> None:
    assert len(list(patches(line))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "fake.limits = limits",
        "fake.on_step = lambda number, name: None",
        "monkeypatch.setenv('A', 'b')",
        "self.now = 1",
        "name.x += 1",
    ],
)
def test_what_a_test_sets_of_its_own_is_no_patch(line: str) -> None:
    assert not list(patches(line))
