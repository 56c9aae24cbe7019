"""Statistics in the shape in which they are shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain import figures
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.figures import QUARTER, Cell
from chalicelib.domain.plans import Target, TargetLoss
from chalicelib.reports.statistics import losses
from tests.builders import SHOP, a_message, a_plan, at_once
from tests.fakes.clock import START


@pytest.mark.parametrize("loss", TargetLoss)
def test_a_contact_that_a_rule_left_out_is_lost_between_planned_and_valid(
    loss: TargetLoss,
) -> None:
    message = a_message("ann", strategy=at_once("app", "sms"))
    left_out = Target("ann", None, {"push": 1}, {"text": loss.value})
    plan = replace(a_plan(message), targets=(left_out,))
    total = figures.of_chunk(message, Chunk(plan))[Cell(SHOP, START // QUARTER)]
    stages = {stage: total[f"channel|sms|text|{stage}"] for stage in ("planned", "valid")}
    assert stages == {"planned": 1, "valid": 0}
    lost = {
        stage: [each["reason"] for each in of_stage] for stage, of_stage in losses(total).items()
    }
    assert lost == {"users": [], "valid": [loss], "submitted": [], "delivered": []}
