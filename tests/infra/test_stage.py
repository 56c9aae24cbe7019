"""A stage's settings are checked when it is packaged, not minutes later by AWS."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import Priority
from infra.template.stage import Stage, WrongStage

DEFAULT = {"1": 40, "2": 20, "3": 10}


def stage(concurrency: Any) -> Stage:
    settings = {} if concurrency is None else {"concurrency": concurrency}
    on_disk = {"concurrency": DEFAULT, "stages": {"trial": settings}}
    chalice: Any = SimpleNamespace(config_from_disk=on_disk)
    return Stage("trial", chalice, "python3.11")


@pytest.mark.parametrize("number", [2, 3, 1000])
def test_a_concurrency_that_lambda_takes_is_taken(number: int) -> None:
    assert stage({"1": number}).concurrency(Priority.HIGH) == number


def test_a_stage_without_a_concurrency_of_its_own_has_that_of_all_stages() -> None:
    assert [stage(None).concurrency(priority) for priority in Priority] == [40, 20, 10]


@pytest.mark.parametrize("number", [0, 1, -2, 1001, 2.0, "2", True, None])
def test_a_concurrency_that_lambda_refuses_is_named_with_its_bounds(number: Any) -> None:
    with pytest.raises(WrongStage, match=r"stage trial, priority 1: .* from 2 to 1000"):
        stage({"1": number}).concurrency(Priority.HIGH)


@pytest.mark.parametrize("concurrency", [1, {}, {"2": 5, "3": 5}])
def test_a_priority_without_a_number_is_named(concurrency: Any) -> None:
    with pytest.raises(WrongStage, match="stage trial, priority 1"):
        stage(concurrency).concurrency(Priority.HIGH)


def with_variables(**variables: str) -> Stage:
    chalice: Any = SimpleNamespace(environment_variables=variables)
    return Stage("trial", chalice, "python3.11")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UTC_OFFSET", "30"),
        ("UTC_OFFSET", "nan"),
        ("HISTORY_DAYS", "-1"),
        ("REQUEST_RATE", "0"),
        ("CURRENCY", "yuan"),
        ("RECOUNT_DELAYS", "10,,60"),
        ("PROVIDER_TIMEOUT", "0.0"),
        ("SETTINGS_CACHE", "10s"),
    ],
)
def test_a_variable_without_a_meaning_is_named(name: str, value: str) -> None:
    with pytest.raises(WrongStage, match=f'stage trial, {name}: "{value}" must be'):
        _ = with_variables(**{name: value}).environment


def test_variables_as_the_reference_shows_them_are_taken() -> None:
    shown = {"UTC_OFFSET": "-3.5", "CURRENCY": "EUR", "RECOUNT_DELAYS": "10,60", "LEASE": "60"}
    shown |= {"PROVIDER_TIMEOUT": "0.5", "SETTINGS_CACHE": "0", "HISTORY_DAYS": "7"}
    assert with_variables(**shown).environment == shown
