"""Roles have exactly the rights that their functions use."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from chalicelib import config
from infra.package import ROOT
from tests.template import rights
from tests.template.conftest import Resource, of_type

FAMILIES = (
    *("api", "chunks", "imports", "callbacks", "deliver", "tally", "history", "sweep", "poll"),
    *("cmpp", "schedules", "facts"),
)


def family_of(function: str) -> str:
    """Return the family whose policy a function has. Some may do what the API may."""
    if function in ("console", "receipts"):
        return "api"
    return "deliver" if function.startswith("deliver_") else function


def statements(family: str, channel_type: str = "${ChannelType}") -> list[dict[str, Any]]:
    """Return the statements of a family's policy. A delivery function's is for its channel type."""
    text = (
        (ROOT / ".chalice" / f"policy-{family}.json")
        .read_text()
        .replace("${ChannelType}", channel_type)
    )
    found: list[dict[str, Any]] = json.loads(text)["Statement"]
    return found


def resources(statement: Mapping[str, Any]) -> list[Any]:
    found = statement["Resource"]
    return found if isinstance(found, list) else [found]


def granted(family: str) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """(action, resource, condition), one by one."""
    for statement in statements(family):
        if statement["Effect"] != "Allow":
            continue
        for action in statement["Action"]:
            for resource in resources(statement):
                yield action, resource, statement.get("Condition", {})


def queues_of(families: set[str]) -> set[str]:
    names = {"chunks"} if "chunks" in families else set()
    if "delivery" in families:
        names |= {each.value for each in config.SUPPORTED_CHANNEL_TYPES}
    names |= set(rights.WORKERS) if "worker" in families else set()
    return names | ({"${ChannelType}"} if "own" in families else set())


def test_every_function_has_a_role_of_its_own_with_the_policy_of_its_family(
    template: Mapping[str, Any], functions: Mapping[str, Resource]
) -> None:
    roles = dict(of_type(template, "AWS::IAM::Role"))
    used = {name: function["Role"]["Fn::GetAtt"][0] for name, function in functions.items()}
    assert len(set(used.values())) == len(used)
    for name, role in used.items():
        (policy,) = roles[role]["Policies"]
        own = json.dumps(policy["PolicyDocument"]["Statement"])
        if family_of(name) == "api":
            own = own.replace(f"-{name}:*", "-api:*")
        expected = statements(family_of(name), name.removeprefix("deliver_"))
        assert json.loads(own) == expected, name
        assert "ManagedPolicyArns" not in roles[role], name


def test_every_function_may_write_the_log_that_it_has(
    template: Mapping[str, Any], functions: Mapping[str, Resource]
) -> None:
    """Lambda writes logs in the function's role. Its metrics are lines of its log."""
    for name, function in functions.items():
        group = template["Resources"][function["LoggingConfig"]["LogGroup"]["Ref"]]["Properties"]
        (policy,) = template["Resources"][function["Role"]["Fn::GetAtt"][0]]["Properties"][
            "Policies"
        ]
        (logs,) = (e for e in policy["PolicyDocument"]["Statement"] if e["Sid"] == "Logs")
        (allowed,) = (each["Fn::Sub"].replace("${Stage}", "prod") for each in resources(logs))
        assert allowed.endswith(f":log-group:{group['LogGroupName']}:*"), name


@pytest.mark.parametrize("worker", rights.WORKERS)
def test_a_worker_has_a_role_of_its_own_that_only_containers_may_take(
    template: Mapping[str, Any], worker: str
) -> None:
    role = template["Resources"][f"{worker.capitalize()}TaskRole"]["Properties"]
    (policy,) = role["Policies"]
    assert policy["PolicyDocument"]["Statement"] == statements(worker)
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}


def test_a_function_that_delivers_has_no_rights_to_the_network_that_lambda_connects_it_to() -> None:
    denied = {
        family: each
        for family in FAMILIES
        for each in statements(family)
        if each["Effect"] != "Allow"
    }
    functions = {"deliver": "deliver_${ChannelType}", "callbacks": "callbacks"}
    assert denied.keys() == functions.keys()
    for family, each in denied.items():
        assert (each["Effect"], each["Resource"], set(each["Action"])) == (
            "Deny",
            "*",
            rights.NETWORK,
        )
        named = each["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"]["Fn::Sub"]
        assert named.endswith(":" + config.function_name("${Stage}", functions[family]))


@pytest.mark.parametrize("family", FAMILIES)
def test_no_action_is_a_wildcard_and_everything_names_its_resource(family: str) -> None:
    for action, resource, _ in granted(family):
        assert "*" not in action
        assert resource != "*" or action in rights.WITHOUT_RESOURCE, action


@pytest.mark.parametrize("family", FAMILIES)
def test_a_policy_allows_on_tables_what_the_family_calls_and_no_more(family: str) -> None:
    allowed: dict[str, set[str]] = {}
    for action, resource, _ in granted(family):
        if (
            isinstance(resource, dict)
            and resource.get("Fn::GetAtt", [""])[0].endswith("Table")
            and resource["Fn::GetAtt"][1] == "Arn"
        ):
            table = resource["Fn::GetAtt"][0].removesuffix("Table").lower()
            allowed.setdefault(table, set()).add(action.removeprefix("dynamodb:"))
    assert allowed == rights.TABLES[family]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_policy_allows_to_send_to_the_queues_that_the_family_feeds(family: str) -> None:
    targets = {
        resource["Fn::Sub"].rsplit(":", 1)[1]
        for action, resource, _ in granted(family)
        if action == "sqs:SendMessage"
    }
    wanted = queues_of(rights.SENDS_TO.get(family, set()))
    single = {
        config.queue_name("${Stage}", queue)
        for queue in (config.imports_queue(), config.callbacks_queue(), config.facts_queue())
        if queue in rights.SENDS_TO.get(family, set())
    }
    assert targets == {config.queue_name("${Stage}", f"{name}-?") for name in wanted} | single


@pytest.mark.parametrize("family", FAMILIES)
def test_a_policy_opens_and_seals_for_the_purposes_of_the_family_only(family: str) -> None:
    allowed = set()
    for action, _, condition in granted(family):
        if action.startswith("kms:"):
            purposes = condition["StringEquals"]["kms:EncryptionContext:purpose"]
            for purpose in [purposes] if isinstance(purposes, str) else purposes:
                allowed.add((action.removeprefix("kms:"), purpose))
    assert allowed == rights.KEY.get(family, set())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_policy_allows_nothing_else(family: str) -> None:
    known = (set() if family in rights.WORKERS else rights.EVERY_FUNCTION) | rights.CONSUMES.get(
        family, set()
    )
    known |= {
        f"dynamodb:{action}" for actions in rights.TABLES[family].values() for action in actions
    }
    known |= {f"kms:{action}" for action, _ in rights.KEY.get(family, set())}
    known |= {"sqs:SendMessage"} if family in rights.SENDS_TO else set()
    known |= {"states:StartExecution"} if family in rights.STARTS_THE_CLOCK else set()
    known |= rights.WAKES.get(family, set())
    known |= {f"s3:{action}" for action, _ in rights.FILES.get(family, set())}
    assert {action for action, _, _ in granted(family)} == known


@pytest.mark.parametrize("family", sorted(rights.FILES))
def test_a_policy_allows_in_the_bucket_what_the_family_reads_and_writes(family: str) -> None:
    found = {
        (
            action.removeprefix("s3:"),
            resource.get("Fn::Sub", "").removeprefix("${FilesBucket.Arn}/"),
        )
        for action, resource, _ in granted(family)
        if action.startswith("s3:")
    }
    assert found == rights.FILES.get(family, set())


def test_what_the_adapters_call_is_what_the_policies_allow() -> None:
    """Compare calls and rights by name, over all families."""
    tables = {
        action
        for family in rights.TABLES.values()
        for actions in family.values()
        for action in actions
    }
    sealing = {action for each in rights.KEY.values() for action, _ in each}
    files = {action for each in rights.FILES.values() for action, _ in each} - {"ListBucket"}
    allowed = tables | sealing | files | {"SendMessage", "StartExecution"}
    wakes = {right for each in rights.WAKES.values() for right in each}
    allowed |= {right.removeprefix("scheduler:") for right in wakes if "scheduler" in right}
    allowed |= {
        action.removeprefix("sqs:")
        for worker in rights.WORKERS
        for action in rights.CONSUMES[worker]
    }
    # The right to send a message allows a batch. Rights to single writes allow a transaction.
    used = {
        {"SendMessageBatch": "SendMessage", "HeadObject": "GetObject"}.get(each, each)
        for each in calls_in_adapters()
    } - {"TransactWriteItems"}
    assert used == allowed


OPERATIONS = {
    "batch_get_item": "BatchGetItem",
    "batch_write_item": "BatchWriteItem",
    "create_schedule": "CreateSchedule",
    "decrypt": "Decrypt",
    "Delete": "DeleteItem",  # in a transaction
    "delete_item": "DeleteItem",
    "delete_schedule": "DeleteSchedule",
    "delete_object": "DeleteObject",
    "delete_message": "DeleteMessage",
    "encrypt": "Encrypt",
    "generate_data_key": "GenerateDataKey",
    "generate_presigned_post": "PutObject",
    "get_item": "GetItem",
    "get_object": "GetObject",
    "head_object": "HeadObject",
    "put_item": "PutItem",
    "put_object": "PutObject",
    "query": "Query",
    "receive_message": "ReceiveMessage",
    "scan": "Scan",
    "send_message": "SendMessage",
    "send_message_batch": "SendMessageBatch",
    "start_execution": "StartExecution",
    "transact_write_items": "TransactWriteItems",
    "update_item": "UpdateItem",
}


def calls_in_adapters() -> set[str]:
    """The operations of AWS that chalicelib/aws/ names, as a method of a client or as a string."""
    found = set()
    for path in sorted((ROOT / "chalicelib" / "aws").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in OPERATIONS:
                found.add(OPERATIONS[node.attr])
            elif isinstance(node, ast.Constant) and node.value in OPERATIONS:
                found.add(OPERATIONS[node.value])
    return found


def test_mails_are_sent_by_role_only_where_the_deployment_names_identities(
    template: Mapping[str, Any], functions: Mapping[str, Resource]
) -> None:
    """The right belongs to the function that sends mails, and to no other one."""
    policy = template["Resources"]["SesPolicy"]
    assert template["Parameters"]["SesIdentities"]["Default"] == ""
    assert policy["Condition"] == "SesByRole"
    role = functions["deliver_email"]["Role"]["Fn::GetAtt"][0]
    assert policy["Properties"]["Roles"] == [{"Ref": role}]
    sends, sets, test = policy["Properties"]["PolicyDocument"]["Statement"]
    assert sends["Resource"] == {"Ref": "SesIdentities"}
    assert sets["Resource"]["Fn::Sub"].endswith(":${AWS::AccountId}:configuration-set/*")
    assert sends["Action"] == sets["Action"] == ["ses:SendEmail", "ses:SendRawEmail"]
    assert (test["Action"], test["Resource"]) == (["ses:GetAccount"], "*")
    everything = json.dumps([template["Resources"][name] for name in template["Resources"]])
    assert everything.count('"ses:') == len(("SendEmail", "SendRawEmail")) * 2 + 1
    for function in functions.values():
        switch = function["Environment"]["Variables"]["MAILS_BY_ROLE"]
        assert switch == {"Fn::If": ["SesByRole", "on", ""]}
