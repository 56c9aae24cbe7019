"""The order of checks: the page lists it, and every loss of a target has its place in it."""

from __future__ import annotations

import re
from pathlib import Path

from chalicelib.domain.plans import TargetLoss
from chalicelib.domain.rules.checks import CHECKS, Stage

DOCS = Path(__file__).resolve().parents[3] / "docs" / "reference"


def test_the_page_has_the_checks_in_their_order() -> None:
    rows = [
        f"| {check.stage.value} | {check.name} | {', '.join(f'`{o}`' for o in check.outcomes)} |"
        for check in CHECKS
    ]
    page = (DOCS / "sending-rules.md").read_text()
    assert re.findall(r"^\| (?:message|target|step) \|.*$", page, re.MULTILINE) == rows


def test_every_loss_of_a_target_is_the_outcome_of_a_check() -> None:
    outcomes = {o for check in CHECKS if check.stage is not Stage.MESSAGE for o in check.outcomes}
    assert {loss.value for loss in TargetLoss} <= outcomes


def test_every_outcome_has_a_meaning_in_the_reference() -> None:
    known = (DOCS / "error-codes.md").read_text()
    for check in CHECKS:
        for outcome in check.outcomes:
            assert re.search(rf"^\| `?{outcome}`?[ |]", known, re.MULTILINE), outcome
