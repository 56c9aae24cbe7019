"""Tables of the documents that can be checked against the code, are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_flow_table_names_modules_that_are_there() -> None:
    named = re.findall(r"`(flow/\w+\.py)`", README)
    assert len(named) >= 9
    assert [name for name in named if not (ROOT / "chalicelib" / name).is_file()] == []


def test_every_environment_variable_is_in_the_configuration_table() -> None:
    source = (ROOT / "chalicelib" / "config.py").read_text()
    read = set(re.findall(r'environ(?:\[|\.get\()"([A-Z_]+)"', source))
    set_by_the_template = {"STAGE", "QUEUE_URL_PREFIX", "CLOCK_ARN", "KMS_KEY"}
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE))
    assert documented == read - set_by_the_template


def test_the_defaults_in_the_configuration_table_are_the_codes() -> None:
    source = (ROOT / "chalicelib" / "config.py").read_text()
    defaults = dict(re.findall(r'environ\.get\("([A-Z_]+)", "([^"]+)"\)', source))
    told = dict(re.findall(r"^\| `([A-Z_]+)` \| `?([^|`]+?)`? \|", README, re.MULTILINE))
    assert {name: told[name] for name in defaults if name != "LEASE"} == {n: d for n, d in defaults.items() if n != "LEASE"}


def test_every_make_target_that_the_readme_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z]+)", README)) - {"it"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_links_between_the_documents_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_architecture_page_names_every_provider_that_is_registered() -> None:
    from chalicelib.providers import registry

    remaining = (ROOT / "docs" / "architecture.md").read_text().split("## What remains")[1]
    for platform in registry.capabilities():
        assert platform.removesuffix("_private") in remaining.lower(), platform
