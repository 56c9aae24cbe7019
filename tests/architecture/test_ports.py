"""No test lets go of a port that it is going to use: somebody else may get it first.

A run on a busy machine was red because two emulators had chosen the same port.
"""

from __future__ import annotations

import ast

import pytest

from tests.contracts.emulator import ROOT

FOLDERS = ("tests", "infra", "chalicelib")


def let_go(tree: ast.AST) -> list[int]:
    """Return the lines at which a socket is bound only to read its port, and closed."""
    lines = []
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.With) and len(node.body) == 1 and _reads_port(node.body[0]):
            lines.append(node.lineno)
        elif isinstance(body, list) and any(map(_reads_port, body)):
            calls = [call for call in ast.walk(node) if isinstance(call, ast.Call)]
            closed = any(getattr(call.func, "attr", "") == "close" for call in calls)
            if isinstance(node, ast.FunctionDef) and closed:
                lines.append(node.lineno)
    return lines


def _reads_port(statement: ast.AST) -> bool:
    """Return True for `port = socket.getsockname()[1]`, and for returning that."""
    is_simple = isinstance(statement, (ast.Assign, ast.Return))
    names = {getattr(node, "attr", "") for node in ast.walk(statement)} if is_simple else set()
    return "getsockname" in names


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_port_is_let_go_before_it_is_used(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    found = {str(file.relative_to(ROOT)): let_go(ast.parse(file.read_text())) for file in files}
    assert not {name: lines for name, lines in found.items() if lines}


@pytest.mark.parametrize(
    "source",
    [
        "with create_server(a) as server:\n    port = server.getsockname()[1]\nuse(port)",
        "def free():\n    with socket() as server:\n        return int(server.getsockname()[1])",
        "def free():\n    s.bind(a)\n    ports = [x.getsockname()[1] for x in s]\n    s.close()",
    ],
)
def test_the_test_sees_such_a_port(source: str) -> None:
    assert let_go(ast.parse(source))


def test_a_port_that_is_used_while_it_is_bound_is_fine() -> None:
    used = "with socket() as holder:\n    holder.bind(a)\n    yield holder.getsockname()[1]"
    listens = "with socket() as s:\n    port = s.getsockname()[1]\n    use(port)"
    assert not let_go(ast.parse(used)) + let_go(ast.parse(listens))
