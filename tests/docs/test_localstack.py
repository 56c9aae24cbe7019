"""The page about LocalStack names the journeys that are skipped there, and changed parameters."""

from __future__ import annotations

import re

import pytest

from infra.local.emulators import DOCKER, LOCALSTACK
from infra.localstack.emulator import LocalStack
from tests.docs.pages import ROOT, section
from tests.journeys import on_localstack

PAGE = (ROOT / "docs" / "how-to" / "localstack.md").read_text()
JOURNEYS = ROOT / "tests" / "journeys"


def test_the_page_lists_what_is_skipped_with_its_reason() -> None:
    rows = re.findall(r"^\| `([\w.:]+)` \| (.+) \|$", section(PAGE, "Journeys"), re.MULTILINE)
    assert dict(rows) == on_localstack.MISSING
    assert len(rows) == len(on_localstack.MISSING)


@pytest.mark.parametrize("name", sorted(on_localstack.MISSING))
def test_what_is_skipped_exists(name: str) -> None:
    file, _, test = name.partition("::")
    assert f"def {test}(" in (JOURNEYS / file).read_text() if test else (JOURNEYS / file).is_file()


def test_a_test_is_skipped_with_all_its_parameters_and_no_other() -> None:
    file, _, test = next(name for name in on_localstack.MISSING if "::" in name).partition("::")
    assert on_localstack.why_not(file, f"{test}[GET-/v1/sent]")
    assert on_localstack.why_not(file, f"{test}_too") is None
    assert on_localstack.why_not("test_doors.py", "test_anything")


def test_the_page_names_every_parameter_of_the_deployment() -> None:
    told = re.findall(r"^\| (.+?) \|", section(PAGE, "Differences"), re.MULTILINE)
    for name in LocalStack().parameters():
        assert any(f"`{name}`" in row for row in told), name


def test_the_page_names_the_stacks() -> None:
    assert f"make up NAME={DOCKER}" in PAGE
    assert f"make demo NAME={LOCALSTACK}" in PAGE
