"""A delivery channel is poor by all that was sent in a quarter of an hour, whoever counted it."""

from __future__ import annotations

from collections import Counter

import pytest

from chalicelib import observability
from chalicelib.domain.figures import DEPLOYMENT, QUARTER, Cell, Part
from chalicelib.flow import figures
from chalicelib.ports import Document
from tests.builders import SHOP
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld

QUARTER_OF_NOW = START // QUARTER


@pytest.mark.parametrize(("submitted", "rings"), [(1000, False), (100, True)])
def test_what_two_workers_counted_at_once_is_judged_together(
    capsys: pytest.CaptureFixture[str], submitted: int, rings: bool
) -> None:
    """Another worker was slower and has added its part to another shard of the cell."""
    fake = FakeWorld()
    key = figures.cell_key(Cell(DEPLOYMENT, QUARTER_OF_NOW), 3)
    fake.figures.store([Document(key, 1, {"channel|sms|text|submitted": submitted})])
    refused = Counter({"loss|sms|text|submit_failed:7": 60})
    part = Part(("part", "-"), 1, {Cell(SHOP, QUARTER_OF_NOW): refused}, START)
    with observability.unit_of_work(function="chunks"):
        figures.add(fake.ports, [part])
    assert ('"channels_poor":' in capsys.readouterr().out) is rings
