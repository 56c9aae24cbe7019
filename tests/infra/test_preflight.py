"""The checks of an account before a deployment: what each says, and which one stops it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from infra import concurrency, preflight
from infra.preflight import Finding, Level
from infra.stacks import NOT_CREATED
from tests.infra.stubs import StubbedSession

ARN = "arn:aws:iam::123456789012:user/deployer"
MOMENT = "2027-01-15T08:00:00Z"
PARAMETERS = {
    **{
        name: {"Type": "String", "Default": ""}
        for name in ("AlarmTopic", "DeliverySubnets", "DeliverySecurityGroups", "CmppImage")
    },
    "CmppDesiredCount": {"Type": "Number", "Default": 0},
}
NAMED = {
    "Users": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "openums-prod-users"}},
    "Logs": {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": "/aws/lambda/openums-prod-sweep"},
    },
    "Alias": {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/openums-prod"}},
}


def source(queue: str, most: int) -> dict[str, Any]:
    properties = {
        "Queue": {"Fn::Sub": f"${{{queue}.Arn}}"},
        "ScalingConfig": {"MaximumConcurrency": most},
    }
    return {"Type": "SQS", "Properties": properties}


def template(runtime: str = "python3.11", types: int = 1) -> dict[str, Any]:
    """A stage with `types` channel types, each with 40, 20 and 10 batches at once."""
    functions = {
        f"Deliver{n}": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Runtime": runtime,
                "Events": {
                    str(p): source(f"Deliver{n}{p}Queue", most)
                    for p, most in ((1, 40), (2, 20), (3, 10))
                },
            },
        }
        for n in range(types)
    }
    return {"Parameters": PARAMETERS, "Resources": {**functions, **NAMED}}


class Account(StubbedSession):
    """An account in which everything is as it should be, but for what a test says."""

    def __init__(
        self,
        *,
        at_once: int = 1000,
        status: str = "",
        previous: Mapping[str, str] | None = None,
        settings: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.add("sts", "get_caller_identity", {"Account": "123456789012", "Arn": ARN})
        if status:
            kept = [
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in (previous or {}).items()
            ]
            stack = {"StackName": "openums-prod", "StackStatus": status, "CreationTime": MOMENT}
            self.add(
                "cloudformation", "describe_stacks", {"Stacks": [{**stack, "Parameters": kept}]}
            )
        else:
            missing = "Stack with id openums-prod does not exist"
            self.refuse("cloudformation", "describe_stacks", "ValidationError", missing)
        if status not in ("", NOT_CREATED):
            self.add("dynamodb", "scan", {"Items": [{"pk": {"S": key}} for key in settings]})
        limits = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": at_once}
        self.add("lambda", "get_account_settings", {"AccountLimit": limits})

    def free(self) -> Account:
        """No name is taken."""
        self.refuse("dynamodb", "describe_table", "ResourceNotFoundException")
        self.add("logs", "describe_log_groups", {"logGroups": []})
        self.refuse("kms", "describe_key", "NotFoundException")
        return self


def findings(
    session: StubbedSession,
    tmp_path: Path,
    *,
    packaged: Mapping[str, Any] | None = None,
    **parameters: str,
) -> dict[str, Finding]:
    (tmp_path / "sam.json").write_text(json.dumps(packaged or template()))
    yielded = preflight.check(session, stage="prod", packaged=tmp_path, parameters=parameters)
    checked = {finding.subject: finding for finding in yielded}
    session.assert_all_asked()
    assert all("\n" not in str(finding) for finding in checked.values())
    return checked


def test_an_account_that_is_ready_has_one_warning_nobody_hears_of_alarms(tmp_path: Path) -> None:
    checked = findings(Account().free(), tmp_path)
    assert {subject: finding.level for subject, finding in checked.items()} == {
        "caller": Level.OK,
        "stack": Level.OK,
        "concurrency": Level.OK,
        "runtime": Level.OK,
        "names": Level.OK,
        "alarms": Level.WARN,
    }
    assert checked["caller"].text == f"{ARN} in us-east-1"
    assert "AlarmTopic" in checked["alarms"].text


def test_with_a_topic_alarms_are_fine(tmp_path: Path) -> None:
    checked = findings(Account().free(), tmp_path, AlarmTopic="arn:aws:sns:us-east-1:1:ops")
    assert checked["alarms"].level is Level.OK


def test_without_good_credentials_nothing_else_is_asked(tmp_path: Path) -> None:
    session = StubbedSession()
    session.refuse("sts", "get_caller_identity", "ExpiredToken", "The security token is expired")
    checked = findings(session, tmp_path)
    assert list(checked) == ["caller"]
    assert checked["caller"].level is Level.FAIL
    assert "sign in again" in checked["caller"].text


# ---- concurrency


def test_a_small_account_is_told_the_concurrency_that_would_fit(tmp_path: Path) -> None:
    checked = findings(Account(at_once=140).free(), tmp_path)["concurrency"]
    assert checked.level is Level.FAIL
    assert 'set "concurrency": {"1": 22, "2": 11, "3": 5} of the stage' in checked.text
    assert "ask AWS for 170" in checked.text


def test_a_new_account_with_ten_is_told_how_much_to_ask_for(tmp_path: Path) -> None:
    packaged = template(types=10)
    checked = findings(Account(at_once=10).free(), tmp_path, packaged=packaged)["concurrency"]
    assert checked.level is Level.FAIL
    assert "runs 10 functions at once, but the stage needs 800" in checked.text
    assert "ask AWS for 800" in checked.text
    assert "for 160 with a `concurrency` of 2" in checked.text


@pytest.mark.parametrize("room", [*range(75), 100, 400, 699, 700])
def test_a_concurrency_that_is_proposed_fits_and_lambda_takes_it(room: int) -> None:
    waiting = concurrency.sources(template(types=3)) | {"3": [10, 10, 10, 10]}  # and imports
    proposed = concurrency.fitting(waiting, room)
    least = 2 * sum(map(len, waiting.values()))
    assert (proposed is None) == (room < least)
    if proposed is not None:
        assert all(number >= 2 for number in proposed.values())
        asked = sum(proposed[priority] * len(most) for priority, most in waiting.items())
        assert asked <= room
        assert proposed["1"] >= proposed["2"] >= proposed["3"]


def test_functions_that_others_have_reserved_do_not_count(tmp_path: Path) -> None:
    assert findings(Account(at_once=169).free(), tmp_path)["concurrency"].level is Level.FAIL
    assert findings(Account(at_once=170).free(), tmp_path)["concurrency"].level is Level.OK


# ---- runtime, names, parameters


def test_a_runtime_that_lambda_does_not_have_stops_the_deployment(tmp_path: Path) -> None:
    checked = findings(Account().free(), tmp_path, packaged=template("python3.99"))["runtime"]
    assert checked.level is Level.FAIL
    assert "python3.99" in checked.text


def test_what_an_earlier_stack_left_is_named(tmp_path: Path) -> None:
    account = Account()
    table = {"Table": {"TableName": "openums-prod-users"}}
    account.add("dynamodb", "describe_table", table, {"TableName": "openums-prod-users"})
    groups = ["/aws/lambda/openums-prod-sweep", "/aws/lambda/openums-prod-2-sweep"]
    account.add(
        "logs",
        "describe_log_groups",
        {"logGroups": [{"logGroupName": name} for name in groups]},
        {"logGroupNamePrefix": "/aws/lambda/openums-prod-"},
    )
    key = {"KeyMetadata": {"KeyId": "k"}}
    account.add("kms", "describe_key", key, {"KeyId": "alias/openums-prod"})
    checked = findings(account, tmp_path)["names"]
    assert checked.level is Level.FAIL
    assert (
        "openums-prod-users, /aws/lambda/openums-prod-sweep, alias/openums-prod. Import"
        in checked.text
    )


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_stack_that_exists_owns_its_names(tmp_path: Path, status: str) -> None:
    checked = findings(Account(status=status), tmp_path)
    assert "names" not in checked
    assert checked["stack"].level is Level.OK


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("UPDATE_IN_PROGRESS", "Wait until it ends"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "Wait until it ends"),
        ("UPDATE_ROLLBACK_FAILED", "Continue update rollback"),
        ("DELETE_FAILED", "delete the stack again"),
    ],
)
def test_a_stack_that_takes_no_change_says_the_way_out(
    tmp_path: Path, status: str, advice: str
) -> None:
    checked = findings(Account(status=status), tmp_path)["stack"]
    assert checked.level is Level.FAIL
    assert advice in checked.text


def test_subnets_need_security_groups_also_those_of_an_earlier_deployment(tmp_path: Path) -> None:
    previous = {"DeliverySubnets": "subnet-1"}
    checked = findings(Account(status="CREATE_COMPLETE", previous=previous), tmp_path)
    assert checked["subnets"].level is Level.FAIL


NAT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"}
PUBLIC = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}
WITHIN = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}
OWN, MAIN = {"SubnetId": "subnet-1", "Main": False}, {"Main": True}


def route_table(association: Mapping[str, Any], *routes: Mapping[str, str]) -> dict[str, Any]:
    return {"VpcId": "vpc-1", "Associations": [association], "Routes": [WITHIN, *routes]}


@pytest.mark.parametrize(
    ("tables", "fault"),
    [
        ([route_table(OWN, NAT)], ""),
        ([route_table(MAIN, NAT)], ""),
        ([route_table(MAIN, NAT), route_table(OWN, PUBLIC)], "is public"),
        ([route_table(MAIN, PUBLIC), route_table(OWN, NAT)], ""),
        ([route_table(MAIN)], "has no route"),
        ([route_table({"SubnetId": "subnet-2", "Main": False}, NAT)], "has no route"),
        ([route_table(OWN, {**NAT, "State": "blackhole"})], "is gone"),
    ],
)
def test_subnets_need_a_way_out_to_providers(
    tmp_path: Path, tables: list[dict[str, Any]], fault: str
) -> None:
    account = Account().free()
    asked = {"SubnetIds": ["subnet-1"]}
    answer = {"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1"}]}
    account.add("ec2", "describe_subnets", answer, asked)
    of_network = {"Filters": [{"Name": "vpc-id", "Values": ["vpc-1"]}]}
    account.add("ec2", "describe_route_tables", {"RouteTables": tables}, of_network)
    groups = {"DeliverySubnets": "subnet-1", "DeliverySecurityGroups": "sg-1"}
    checked = findings(account, tmp_path, **groups)["subnets"]
    assert checked.level is (Level.FAIL if fault else Level.OK)
    assert fault in checked.text


def test_a_parameter_that_the_template_does_not_have_is_named(tmp_path: Path) -> None:
    previous = {"Outdated": "1"}
    account = Account(status="CREATE_COMPLETE", previous=previous)
    checked = findings(account, tmp_path, AlarmTopik="arn")
    assert checked["parameters"].level is Level.FAIL
    assert checked["parameters"].text.startswith("AlarmTopik is unknown. The template has Alarm")
    assert "parameters" not in findings(
        Account(status="CREATE_COMPLETE", previous=previous), tmp_path
    )


def test_the_role_of_ecs_is_looked_for_only_with_containers(tmp_path: Path) -> None:
    account = Account().free()
    account.refuse("iam", "get_role", "NoSuchEntity")
    checked = findings(account, tmp_path, CmppDesiredCount="1", CmppImage="image")["cmpp"]
    assert checked.level is Level.WARN
    assert "AWSServiceRoleForECS is missing" in checked.text
    assert "cmpp" not in findings(Account().free(), tmp_path, CmppDesiredCount="1")


def test_a_check_that_aws_does_not_allow_is_a_warning_and_the_others_go_on(tmp_path: Path) -> None:
    account = Account()
    account.refuse("dynamodb", "describe_table", "AccessDeniedException", "not authorized")
    checked = findings(account, tmp_path)
    assert checked["names"].level is Level.WARN
    assert "DescribeTable: AccessDeniedException: not authorized." in checked["names"].text
    assert "rights of a deployer" in checked["names"].text
    assert checked["alarms"].level is Level.WARN


def test_only_a_failure_stops_a_deployment(tmp_path: Path) -> None:
    def may_begin(account: Account) -> bool:
        (tmp_path / "sam.json").write_text(json.dumps(template()))
        lines.clear()
        return preflight.report(
            account, stage="prod", packaged=tmp_path, parameters={}, say=lines.append
        )

    lines: list[str] = []
    assert may_begin(Account().free())
    assert [line.split()[0] for line in lines].count("warn") == 1
    assert not may_begin(Account(at_once=10).free())
    assert [line.split()[0] for line in lines].count("fail") == 1
