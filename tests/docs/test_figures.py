"""The page of figures is the code's: each figure of the API is defined, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

from chalicelib.domain import health
from chalicelib.domain.definitions import DEFINITIONS
from chalicelib.domain.figures import TOTALS
from chalicelib.entrypoints.http.schemas import statistics

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "figures.md").read_text()
STAGES = ("planned", "valid", "submitted", "delivered", "clicked")
NOT_FIGURES = {"time", "part", "platform", "channel_type", "delivery_channel"}


def test_the_page_has_the_definitions_of_the_code() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (.+?) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
    assert rows == [(name, *definition) for name, definition in DEFINITIONS.items()]


def test_the_thresholds_of_health_are_the_codes() -> None:
    section = PAGE.split("## Health of delivery channels")[1].split("\n## ")[0]
    assert f"fewer than {health.LEAST} submissions" in section
    assert f"less than {health.ACCEPTED * 100:.0f} %" in section
    assert f"more than {health.WORSE * 100:.0f} points" in section


def test_every_total_is_defined() -> None:
    assert {name.replace("|", ".") for name in TOTALS} <= set(DEFINITIONS)


def test_every_figure_of_the_api_is_defined() -> None:
    shown = {
        *statistics.Totals.model_fields,
        *statistics.PartRates.model_fields,
        *statistics.Provider.model_fields,
        *statistics.Reported.model_fields,
        *(f"losses.{stage}" for stage in statistics.LossReasons.model_fields),
        *statistics.Clicks.model_fields,
    }
    known = {*DEFINITIONS, *STAGES, "users", "deliveries"}
    assert shown - NOT_FIGURES <= known


def test_the_threshold_of_the_alarm_is_the_codes() -> None:
    section = PAGE.split("## Health of delivery channels")[1].split("\n## ")[0]
    text = section.split("An [alarm]")[1]
    assert re.search(rf"at least\s+{health.LEAST} submissions", text)
    assert f"less than {health.ACCEPTED * 100:.0f} %" in text
    (failures,) = re.findall(r"or fails as (.+)\.", section)
    assert set(re.findall(r"`(\w+)`", failures)) == set(health.FAILURES)
