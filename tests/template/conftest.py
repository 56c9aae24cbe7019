"""The template as it would be deployed to production, packaged once for all tests here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from chalicelib import config
from infra.package import AWS, HERE, package_apart

Resource = Mapping[str, Any]

DELIVER = {config.deliver_function(kind) for kind in config.SUPPORTED_CHANNEL_TYPES}


@pytest.fixture(scope="session")
def packages() -> dict[str, Path]:
    """Packages for production and for the journeys' stack, which are made at once."""
    with ThreadPoolExecutor(2) as pool:
        for_aws, for_here = pool.map(package_apart, ("prod", "test"), (AWS, HERE))
    return {AWS: for_aws, HERE: for_here}


@pytest.fixture(scope="session")
def packaged(packages: Mapping[str, Path]) -> Path:
    return packages[AWS]


@pytest.fixture(scope="session")
def packaged_here(packages: Mapping[str, Path]) -> Path:
    """The package of the journeys' stack, whose zip runs on this machine."""
    return packages[HERE]


@pytest.fixture(scope="session")
def template(packaged: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((packaged / "sam.json").read_text())
    return found


@pytest.fixture(scope="session")
def functions(template: Mapping[str, Any]) -> dict[str, Resource]:
    """Properties by the name that others call the function: `deliver_sms`."""
    found = of_type(template, "AWS::Serverless::Function")
    return {properties["FunctionName"].split("-", 2)[2]: properties for _, properties in found}


@pytest.fixture(scope="session")
def queues(template: Mapping[str, Any]) -> dict[str, Resource]:
    return dict(of_type(template, "AWS::SQS::Queue"))


def of_type(template: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Resource]]:
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == kind:
            yield logical_id, resource["Properties"]


def sources(function: Resource, kind: str) -> list[Resource]:
    return [
        event["Properties"]
        for event in function.get("Events", {}).values()
        if event["Type"] == kind
    ]


def queue_of(source: Resource) -> str:
    """The logical id of the queue that an event source reads."""
    reference: str = source["Queue"]["Fn::Sub"]
    return reference.removeprefix("${").removesuffix(".Arn}")


def outside_china(value: Any) -> Any:
    """Return the value of a property outside China."""
    condition, _, otherwise = value["Fn::If"]
    assert condition == "InChina"
    return otherwise
