"""The rules of who may import what. The layers themselves are checked by import-linter (pyproject.toml)."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
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
    "socket": ("web",),
    "chalice": ("entrypoints",),
}

# A provider may be named in its own files, where providers are listed, and, being a protocol too, SMTP where sockets are opened.
# Channel types may be named everywhere, in any spelling of the API, also where a platform has the same name.
CHANNEL_TYPES = re.compile(
    "|".join(each.value.replace("_", "_?") for each in sorted(ChannelType, key=len, reverse=True))
)

MAY_NAME_PROVIDERS = ("providers", "web/smtp.py", "entrypoints/workers")


def sources() -> list[Path]:
    return sorted(CODE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(CODE).as_posix()


def imports_of(path: Path) -> Iterator[str]:
    """Everywhere in the file, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("package", ONLY_HERE)
def test_a_package_is_imported_only_where_it_belongs(package: str) -> None:
    strangers = {
        name_of(path)
        for path in sources()
        for module in imports_of(path)
        if module.split(".")[0] == package and name_of(path).split("/")[0] not in ONLY_HERE[package]
    }
    assert strangers == set()


def words_of(path: Path) -> Iterator[str]:
    """Names and strings, without comments and docstrings."""
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
    strangers = {
        (name_of(path), word)
        for path in sources()
        if not name_of(path).startswith(MAY_NAME_PROVIDERS)
        for word in words_of(path)
        if any(platform in CHANNEL_TYPES.sub("", word) for platform in platforms)
    }
    assert strangers == set()


def _without_channel_types(word: str) -> str:
    """Some types are named after the only vendor that has them; everybody may name a type."""
    for kind in ChannelType:
        word = word.replace(kind.value, "").replace(kind.value.replace("_", ""), "")
    return word


def test_providers_do_not_know_each_other() -> None:
    for path in (CODE / "providers").glob("*/*.py"):
        own = path.stem.split("_")[0]
        for module in imports_of(path):
            if module.startswith("chalicelib.providers."):
                parts = module.split(".")[2:]
                shared = parts == ["base"] or len(parts) == 1
                assert shared or parts[0] == path.parent.name, (
                    f"{name_of(path)} ({own}) imports {module}"
                )


def test_nothing_happens_at_import_but_definitions() -> None:
    """Importing the API and a delivery function brings neither the AWS SDK nor HTTP nor tracing: adapters are made when needed."""
    heavy = ("boto3", "botocore", "requests", "aws_xray_sdk.core", "cryptography")
    script = (
        f"import sys; import chalicelib.wiring; print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    if "No module named 'chalicelib.wiring'" in done.stderr:
        pytest.fail("chalicelib.wiring is missing")
    assert done.stdout.strip() == "[]", done.stderr
