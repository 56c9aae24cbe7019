"""`make test` runs every test: the quick ones by `make unit`, the others by `python -m tests`."""

from __future__ import annotations

import re

from infra.package import ROOT
from tests.__main__ import LONG
from tests.journeys.conftest import FIRST

JOURNEYS = "tests/journeys"


def test_what_the_quick_tests_leave_out_runs_beside_the_journeys() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (unit,) = re.findall(r"^unit:.*\n((?:\t.*\n)+)", makefile, re.M)
    (command,) = re.findall(r"^test: check .*\n((?:\t.*\n)+)", makefile, re.M)
    (listed,) = re.findall(r"addprefix --ignore=tests/,([^)]+)\)", unit)
    assert {f"tests/{folder}" for folder in listed.split()} == {*LONG}
    assert f"--ignore={JOURNEYS}" in unit
    assert re.search(r" -m tests$", command, re.M)
    assert all((ROOT / folder).is_dir() for folder in LONG)


def test_every_journey_that_begins_early_exists() -> None:
    for name in FIRST:
        file, _, test = name.partition("::")
        source = (ROOT / JOURNEYS / file).read_text()
        assert f"def {test.partition('[')[0]}" in source, name


def test_a_journey_changes_settings_only_where_it_waits_for_them() -> None:
    """Other processes keep a setting for a second, so a send at once may not follow it."""
    changing = [
        path.name for path in (ROOT / JOURNEYS).glob("*.py") if '"If-Match"' in path.read_text()
    ]
    assert changing == ["conftest.py"]
