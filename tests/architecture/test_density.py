"""Small functions and files, in lines of at most 100 columns.

Print the violations of a folder or file with
`python -m tests.architecture.test_density chalicelib/flow`.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("app.py", "chalicelib", "infra", "tests")

COLUMNS = 100
MAX_FUNCTION, MAX_TEST, MAX_FILE = 30, 60, 320  # lines

_DIRECTIVE = re.compile(r"#\s*(?:fmt: ?(?:skip|off)|yapf: ?disable|noqa:.*\bE501)")

Rule = Callable[[str, str], Iterator[str]]


def long_functions(path: str, source: str) -> Iterator[str]:
    """Count signature and body, without decorators and docstring. A longer line counts as two."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        is_test = path.startswith("tests/") and node.name.startswith("test_")
        most = MAX_TEST if is_test else MAX_FUNCTION
        if (size := _size(node, lines)) > most:
            yield f"{path}:{node.lineno}: function of {size} lines: {node.name} (at most {most})"


def _size(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    numbers = set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    if ast.get_docstring(node) is not None:
        doc = node.body[0]
        numbers -= set(range(doc.lineno, (doc.end_lineno or doc.lineno) + 1))
    return sum(max(1, -(-len(lines[number - 1]) // COLUMNS)) for number in numbers)


def long_files(path: str, source: str) -> Iterator[str]:
    size = len(source.splitlines())
    if size > MAX_FILE:
        yield f"{path}:1: file of {size} lines (at most {MAX_FILE})"


def exemptions(path: str, source: str) -> Iterator[str]:
    """Find comments that let a line be longer, or formatted otherwise."""
    if not _DIRECTIVE.search(source):
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and _DIRECTIVE.match(token.string):
            yield f"{path}:{token.start[0]}: exemption: {token.string}"


RULES: tuple[Rule, ...] = (long_functions, long_files, exemptions)


def violations(root: Path, rooms: tuple[str, ...], rules: tuple[Rule, ...]) -> list[str]:
    paths = [root / room for room in rooms]
    files = [
        file for path in paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])
    ]
    return [
        violation
        for file in files
        for rule in rules
        for violation in rule(str(file.relative_to(root)), file.read_text())
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_functions_and_files_are_small(rule: Rule) -> None:
    broken = violations(ROOT, ROOMS, (rule,))
    assert not broken, "\n" + "\n".join(broken)


def test_a_function_is_counted_without_its_decorators_and_docstring() -> None:
    body = "    x = 1\n" * MAX_FUNCTION
    source = f'@decorated\n@again\ndef f():\n    """Do.\n\n    More.\n    """\n{body}'
    assert list(long_functions("infra/x.py", source)) == [
        "infra/x.py:3: function of 31 lines: f (at most 30)"
    ]
    assert not list(long_functions("infra/x.py", source.replace("    x = 1\n", "", 1)))


def test_a_test_may_be_longer() -> None:
    source = "def test_it():\n" + "    x = 1\n" * MAX_FUNCTION
    assert not list(long_functions("tests/test_x.py", source))
    assert list(long_functions("chalicelib/test_x.py", source))


@pytest.mark.parametrize("comment", ["fmt: skip", "fmt: off", "noqa: E501", "noqa: S105, E501"])
def test_a_line_is_not_exempted(comment: str) -> None:
    assert list(exemptions("x.py", f"x = 1  # {comment}\n"))
    assert not list(exemptions("x.py", f'x = "# {comment}"  # noqa: S105\n'))


def main() -> None:
    broken = violations(Path.cwd(), tuple(sys.argv[1:]) or ROOMS, RULES)
    print(*broken, f"{len(broken)} violations", sep="\n")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
