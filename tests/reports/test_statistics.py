"""Statistics in the shape in which they are shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain import figures
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.figures import QUARTER, Cell
from chalicelib.domain.plans import Target, TargetLoss
from chalicelib.flow.figures import cell_key
from chalicelib.ports import Document
from chalicelib.reports.statistics import losses, providers, stretch
from tests.builders import SHOP, a_message, a_plan, at_once
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld


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


def test_receipts_of_a_code_that_was_given_again_count_together() -> None:
    """A delivery channel was deleted. A new one of another type has its code."""
    fake = FakeWorld()
    counts = {"latency|sms|ours|8": 90, "latency|email|ours|8": 1, "latency|email|ours|40": 2}
    counts |= {"channel|sms|ours|submitted": 90, "channel|email|ours|submitted": 3}
    key = cell_key(Cell(figures.DEPLOYMENT, START // QUARTER), 0)
    fake.figures.store([Document(key, 1, counts)])
    (ours,) = providers(fake.ports, stretch(fake.ports, "", None, None, ""))
    assert ours["submitted"] == 93
    assert ours["receipt_seconds"]["p50"] == figures.seconds_of(8)
    assert ours["receipt_seconds"]["p90"] == figures.seconds_of(8)
