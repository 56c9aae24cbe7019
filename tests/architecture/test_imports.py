"""Rules of imports, and of names that a room must not know.

Import-linter checks the layers themselves (pyproject.toml).
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.providers import registry

ROOT = Path(__file__).resolve().parents[2]
CODE = ROOT / "chalicelib"

ONLY_HERE = {
    "boto3": ("aws",),
    "botocore": ("aws",),
    "requests": ("web",),
    "urllib3": ("web",),
    "smtplib": ("web", "providers"),
    "socket": ("web", "aws"),
    "chalice": ("entrypoints",),
}

# A provider may be named in its own files and in the list of providers. SMTP is a protocol too, so
# the room that opens sockets may name it.
MAY_NAME_PROVIDERS = (
    *("providers", "web/egress", "web/smtp.py", "entrypoints/workers"),
    "console/labels.py",  # the words that people read
)

# Channel types may be named everywhere, in any spelling of the API. Some are named like a platform.
CHANNEL_TYPES = re.compile(
    "|".join(
        channel_type.value.replace("_", "_?")
        for channel_type in sorted(ChannelType, key=len, reverse=True)
    )
)

# Packages that only compute: automatons over words, domains by UTS 46, simplified characters, and
# telephone numbers.
PURE = {"ahocorasick", "idna", "opencc", "phonenumbers"}
# Modules of the standard library that reach the world outside.
IMPURE = {
    "asyncio",
    "http",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "subprocess",
    "tempfile",
    "threading",
    "time",
}

# Rooms that neither HTTP nor UMS may shape.
INSIDE = ("domain", "flow", "manage", "ports", "reports")
UMS_CODES = {4004, 4005, *range(1_015_000, 1_015_100), *range(1_019_000, 1_020_000)}
IDEOGRAPHS = re.compile(r"[\u3400-\u9fff]")


def sources() -> list[Path]:
    return sorted(CODE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(CODE).as_posix()


@cache
def imports_of(path: Path) -> list[str]:
    """Return the imports everywhere in the file, also inside functions."""
    imports: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imports += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            imports.append(node.module)
    return imports


@pytest.mark.parametrize("package", ONLY_HERE)
def test_a_package_is_imported_only_where_it_belongs(package: str) -> None:
    strangers = {
        name_of(path)
        for path in sources()
        for module in imports_of(path)
        if module.split(".")[0] == package and name_of(path).split("/")[0] not in ONLY_HERE[package]
    }
    assert strangers == set()


def in_rooms(*rooms: str) -> list[Path]:
    return [path for path in sources() if name_of(path).startswith(tuple(f"{r}/" for r in rooms))]


def test_the_domain_is_pure() -> None:
    strangers = {
        (name_of(path), module)
        for path in in_rooms("domain")
        for module in imports_of(path)
        if not _is_pure(module)
    }
    assert strangers == set()


def _is_pure(module: str) -> bool:
    root = module.split(".")[0]
    if root == "chalicelib":
        return module == "chalicelib.domain" or module.startswith("chalicelib.domain.")
    return root in PURE or (root in sys.stdlib_module_names and root not in IMPURE)


def test_the_ports_know_only_the_domain() -> None:
    strangers = {
        (name_of(path), module)
        for path in in_rooms("ports")
        for module in imports_of(path)
        if module.startswith("chalicelib.")
        and not module.startswith(("chalicelib.domain", "chalicelib.ports"))
    }
    assert strangers == set()


def test_the_inside_knows_neither_http_nor_ums_codes() -> None:
    wire = [
        f"{name_of(path)}:{node.lineno}"
        for path in in_rooms(*INSIDE)
        for node in ast.walk(ast.parse(path.read_text()))
        if _is_of_the_wire(node)
    ]
    assert wire == []


def _is_of_the_wire(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=int(number)) if not isinstance(number, bool):
            return number in UMS_CODES
        case ast.keyword(arg="status" | "status_code"):
            return True
        case ast.Name(id="HTTPStatus"):
            return True
    return False


def test_the_inside_has_no_chinese_texts() -> None:
    """Single words of two characters are data, such as a keyword in replies. More are a text."""
    texts = [
        f"{name_of(path)}:{node.lineno}: {node.value}"
        for path in in_rooms("flow", "manage", "reports")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if len(IDEOGRAPHS.findall(node.value)) > 2
    ]
    assert texts == []


def words_of(path: Path) -> Iterator[str]:
    """Yield names and strings, without comments and docstrings."""
    text = path.read_text()
    docstrings = {
        node.body[0].lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node) is not None
    }
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NAME, tokenize.STRING) and token.start[0] not in docstrings:
            yield token.string.lower()


def test_a_providers_name_appears_only_in_its_own_files_and_the_registry() -> None:
    platforms = {name.split("_")[0] for name in registry.capabilities()}
    # A short name also stands within other words, such as `ses` in `classes`.
    bounds = {name: r"(?<![a-z]){}(?![a-z])" if len(name) < 4 else "{}" for name in platforms}
    named = re.compile("|".join(bounds[name].format(name) for name in sorted(platforms)))
    strangers = {
        (name_of(path), word)
        for path in sources()
        if not name_of(path).startswith(MAY_NAME_PROVIDERS)
        for word in words_of(path)
        if named.search(CHANNEL_TYPES.sub("", word))
    }
    assert strangers == set()


def test_providers_do_not_know_each_other() -> None:
    for path in (CODE / "providers").glob("*/*.py"):
        for module in imports_of(path):
            if module.startswith("chalicelib.providers."):
                parts = module.split(".")[2:]
                is_shared = len(parts) == 1
                assert is_shared or parts[0] == path.parent.name, f"{name_of(path)}: {module}"
