"""The dashboard and the budget of the packaged template."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from chalicelib.observability import NAMESPACE
from infra.package import ROOT
from infra.template.dashboard import SOON
from tests.template.conftest import of_type

Template = Mapping[str, Any]
Widget = Mapping[str, Any]


@pytest.fixture(scope="module")
def widgets(template: Template) -> list[Widget]:
    ((_, dashboard),) = of_type(template, "AWS::CloudWatch::Dashboard")
    return list(json.loads(dashboard["DashboardBody"]["Fn::Sub"])["widgets"])


def test_every_alarm_that_is_always_there_is_shown(
    template: Template, widgets: list[Widget]
) -> None:
    (shown,) = [each["properties"]["alarms"] for each in widgets if each["type"] == "alarm"]
    resources = template["Resources"]
    assert {arn.removeprefix("${").removesuffix(".Arn}") for arn in shown} == {
        name
        for name, resource in resources.items()
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Condition" not in resource
    }
    assert len(shown) <= 100  # the most that a widget takes


def test_widgets_do_not_overlap_and_fill_rows_of_24_columns(widgets: list[Widget]) -> None:
    taken: set[tuple[int, int]] = set()
    for each in widgets:
        assert each["x"] + each["width"] <= 24
        cells = {
            (x, y)
            for x in range(each["x"], each["x"] + each["width"])
            for y in range(each["y"], each["y"] + each["height"])
        }
        assert not cells & taken
        taken |= cells


def test_what_it_refers_to_exists(template: Template) -> None:
    """Fn::Sub leaves what begins with `!` to CloudWatch."""
    ((_, dashboard),) = of_type(template, "AWS::CloudWatch::Dashboard")
    names = re.findall(r"\$\{([^!}]+)\}", dashboard["DashboardBody"]["Fn::Sub"])
    known = {*template["Resources"], "AWS::Region"}
    assert {name.split(".")[0] for name in names} <= known
    assert len(names) > 30


def _metrics(widgets: list[Widget]) -> Iterator[list[Any]]:
    for each in widgets:
        yield from each["properties"].get("metrics", ())


def test_our_own_metrics_are_those_that_the_code_writes(widgets: list[Widget]) -> None:
    sources = "".join(path.read_text() for path in (ROOT / "chalicelib").rglob("*.py"))
    plain = {each[1] for each in _metrics(widgets) if each[0] == NAMESPACE}
    searched = {
        name
        for each in _metrics(widgets)
        if isinstance(each[0], dict)
        for name in re.findall(r'MetricName="(\w+)"', each[0]["expression"])
    }
    assert searched == {"provider_ms", "provider_errors"}
    for name in plain | searched:
        assert re.search(rf'(metric|measure)\("{name}"', sources), name


def test_the_share_of_what_is_sent_soon_is_a_percentile_rank(widgets: list[Widget]) -> None:
    """Source: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions"""
    ranks = [
        each
        for each in _metrics(widgets)
        if isinstance(each[-1], dict) and each[-1].get("stat") == f"PR(:{SOON})"
    ]
    assert [each[5] for each in ranks] == ["1", "2", "3"]
    assert {tuple(each[:4]) for each in ranks} == {(NAMESPACE, "submitted_after", "stage", "prod")}


def test_nobody_is_told_of_costs_without_an_address(template: Template) -> None:
    budget = template["Resources"]["CostBudget"]
    assert budget["Condition"] == "HasBudget"
    assert template["Parameters"]["BudgetEmail"]["Default"] == ""
    told = budget["Properties"]["NotificationsWithSubscribers"]
    assert [each["Notification"]["Threshold"] for each in told] == [80, 100]
