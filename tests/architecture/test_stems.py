"""A feature has one stem in every layer, so that its parts are found by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.entrypoints.http import admin

CODE = Path(__file__).resolve().parents[2] / "chalicelib"
SCHEMAS = CODE / "entrypoints" / "http" / "schemas"
LAYERS = ("manage", "flow", "flow/rules", "reports", "domain", "domain/rules")
INSIDE = [CODE / layer for layer in LAYERS]
FEATURES = [module.__name__.rpartition(".")[2] for module in admin.ROUTES]


def has_module(folder: Path, stem: str) -> bool:
    return (folder / f"{stem}.py").exists() or (folder / stem / "__init__.py").exists()


def test_every_module_with_routes_is_a_feature() -> None:
    folder = CODE / "entrypoints" / "http" / "admin"
    with_routes = [path.stem for path in folder.glob("*.py") if "\n@admin(" in path.read_text()]
    assert sorted(FEATURES) == sorted(with_routes)


@pytest.mark.parametrize("stem", FEATURES)
def test_the_routes_of_a_feature_and_its_schemas_have_one_stem(stem: str) -> None:
    assert has_module(SCHEMAS, stem)


@pytest.mark.parametrize("stem", FEATURES)
def test_a_feature_has_the_same_stem_inside(stem: str) -> None:
    assert any(has_module(folder, stem) for folder in INSIDE)
