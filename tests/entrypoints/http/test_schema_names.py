"""A view names the classes of its body and query: those of the schemas that its route declares.

Models are imported when a route is first requested, so that mypy cannot compare the two.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import app
from chalicelib.entrypoints.http.contract import Contract

SCHEMAS = "chalicelib.entrypoints.http.schemas."
VIEWS: dict[str, Callable[..., Any]] = {
    f"{method} {path}": entry.view_function
    for path, methods in app.app.routes.items()
    for method, entry in methods.items()
}


def schema_imports(module: ast.Module) -> dict[str, str]:
    """Return the classes that a module imports for type checking: class -> `module.Class`."""
    return {
        alias.asname or alias.name: f"{node.module.removeprefix(SCHEMAS)}.{alias.name}"
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(SCHEMAS)
        for alias in node.names
        if node.module
    }


def named_schemas(view: Callable[..., Any]) -> Iterator[tuple[str, ast.Call]]:
    """Yield each `name: Class = context.…(…)` of a view: its schema, and the call."""
    source = inspect.unwrap(view)
    imported = schema_imports(ast.parse(inspect.getsource(sys.modules[source.__module__])))
    for node in ast.walk(ast.parse(inspect.getsource(source))):
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Call):
            name = ast.unparse(node.annotation)
            if name in imported:
                yield imported[name], node.value


def declared_for(call: ast.Call, contract: Contract) -> str:
    """Return the schema that a call validates against."""
    texts = [node.value for node in call.args if isinstance(node, ast.Constant)]
    if texts:
        return str(texts[0])
    return contract.query if ast.unparse(call.func).endswith(".query") else contract.request


@pytest.mark.parametrize("route", sorted(VIEWS))
def test_a_view_names_the_schema_that_its_route_declares(route: str) -> None:
    view = VIEWS[route]
    contract: Contract = view.contract  # type: ignore[attr-defined]
    for schema, call in named_schemas(view):
        assert schema == declared_for(call, contract), f"{route}: {ast.unparse(call)}"


def test_no_body_or_query_is_read_without_naming_its_class() -> None:
    modules = {sys.modules[inspect.unwrap(view).__module__] for view in VIEWS.values()}
    unnamed = []
    for module in modules:
        tree = ast.parse(inspect.getsource(module))
        named = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.AnnAssign)}
        for node in ast.walk(tree):
            text = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if text in ("context.body", "context.query") and id(node) not in named:
                unnamed.append(f"{module.__name__}:{node.lineno}")  # type: ignore[attr-defined]
    assert unnamed == []
    assert sum(len(list(named_schemas(view))) for view in VIEWS.values()) > 30
