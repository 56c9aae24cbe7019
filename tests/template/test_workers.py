"""The worker in the packaged template, off until an operator turns it on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib import config
from chalicelib.domain.delivery_channels import Priority
from infra.package import ROOT
from tests.template.conftest import Resource

Template = Mapping[str, Any]
Functions = Mapping[str, Resource]


def test_of_a_worker_nothing_exists_unless_it_is_turned_on(template: Template) -> None:
    assert template["Parameters"]["CmppDesiredCount"]["Default"] == 0
    own = {name: each for name, each in template["Resources"].items() if name.startswith("Cmpp")}
    assert {each["Type"] for each in own.values()} >= {
        "AWS::ECS::Service",
        "AWS::SQS::Queue",
        "AWS::IAM::Role",
        "AWS::CloudWatch::Alarm",
    }
    for name, each in own.items():
        on_fargate = (
            each["Type"].startswith(("AWS::ECS::", "AWS::Logs::")) or name == "CmppExecutionRole"
        )
        assert each["Condition"] == ("CmppOnFargate" if on_fargate else "CmppOn"), name
    assert not [
        name
        for name, each in template["Resources"].items()
        if each.get("Condition", "").startswith("Cmpp") and name not in own
    ]


def test_functions_know_whether_the_worker_runs(functions: Functions) -> None:
    for function in functions.values():
        assert function["Environment"]["Variables"]["WORKERS"] == {"Fn::If": ["CmppOn", "cmpp", ""]}


def test_a_worker_has_the_functions_environment_with_its_own_times(
    template: Template, functions: Functions
) -> None:
    (container,) = template["Resources"]["CmppTask"]["Properties"]["ContainerDefinitions"]
    variables = {each["Name"]: each["Value"] for each in container["Environment"]}
    plain = {name: value if isinstance(value, str) else "-" for name, value in variables.items()}
    assert config.read_settings(plain).provider_timeout == 60  # CMPP's T
    known = functions["api"]["Environment"]["Variables"]
    different = {name for name, value in variables.items() if known.get(name) != value}
    assert different == {"PROVIDER_TIMEOUT", "LEASE", "WORKERS", "AWS_DEFAULT_REGION"}
    assert set(known) - {"RECEIPTS_URL"} <= set(variables)


def test_a_job_of_a_worker_is_hidden_until_its_lease_is_over(
    template: Template, queues: Functions
) -> None:
    (container,) = template["Resources"]["CmppTask"]["Properties"]["ContainerDefinitions"]
    variables = {each["Name"]: each["Value"] for each in container["Environment"]}
    for priority in Priority:
        assert queues[f"Cmpp{priority.value}Queue"]["VisibilityTimeout"] >= 2 * int(
            variables["LEASE"]
        )
    assert int(variables["LEASE"]) >= 3 * int(variables["PROVIDER_TIMEOUT"])


def test_the_container_starts_the_worker_and_is_given_time_to_stop(template: Template) -> None:
    (container,) = template["Resources"]["CmppTask"]["Properties"]["ContainerDefinitions"]
    assert container["Command"] == ["python", "-m", "chalicelib.entrypoints.workers.cmpp"]
    assert container["StopTimeout"] == 120
    assert (ROOT / "chalicelib" / "entrypoints" / "workers" / "cmpp.py").is_file()
