"""The local stack behaves like AWS in the points that the project relies on.

These tests have a stack of their own.
"""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from chalicelib import config
from infra.demo.client import Shop
from infra.local.files import Stack
from infra.local.processes import is_ours
from infra.local.stack import down, up
from infra.template import workers
from tests.liveness import eventually

STACK = Stack("infra", "test")


@pytest.fixture(scope="module")
def stack() -> Iterator[dict[str, Any]]:
    down(STACK)
    try:
        yield up(STACK)
    finally:
        down(STACK)


def ask(method: str, url: str, body: bytes | None = None) -> tuple[int, Any]:
    request = urllib.request.Request(
        url, data=body, method=method, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def client(stack: dict[str, Any], service: str) -> Any:
    session = boto3.session.Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
    )
    return session.client(service, endpoint_url=stack["emulator_url"])


def processes(stack: dict[str, Any]) -> dict[str, int]:
    return {
        worker["function"]: worker["pid"]
        for worker in ask("GET", stack["emulator_url"] + "/_openums/workers")[1]
    }


def test_up_again_changes_nothing(stack: dict[str, Any]) -> None:
    """Also not when the files were written: nothing is packaged or deployed."""
    files = (STACK.record, STACK.description)
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in files]
    assert up(STACK) == stack
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in files] == before


def test_up_starts_a_long_lived_worker_again_that_has_ended(stack: dict[str, Any]) -> None:
    def pid() -> int:
        return int(json.loads(STACK.record.read_text())["pids"]["cmpp"])

    before = pid()
    assert is_ours(before, workers.MODULE)
    os.kill(before, signal.SIGKILL)
    assert up(STACK) == stack
    assert pid() != before
    assert is_ours(pid(), workers.MODULE)


def test_unknown_paths_get_answers_of_our_shape_and_too_large_bodies_api_gateways(
    stack: dict[str, Any],
) -> None:
    status, body = ask("GET", stack["api_url"] + "/no/such/path")
    assert (status, body["code"]) == (404, 4004)
    assert "no such path or method" in body["message"]
    status, body = ask("POST", stack["api_url"] + "/no/such/path", b"x" * (6 * 1024 * 1024 + 1))
    assert (status, set(body)) == (413, {"message"})


def test_the_first_key_is_kept_as_a_hash_only(stack: dict[str, Any]) -> None:
    key = {"pk": {"S": f"access-key#{stack['access_key']}"}, "sk": {"S": "-"}}
    item = client(stack, "dynamodb").get_item(
        TableName=config.table_name("test", "settings"), Key=key
    )["Item"]
    assert item["role"] == {"S": "administrator"}
    assert stack["access_secret"] not in json.dumps(item)


def test_a_delivery_channel_can_be_tested_before_anything_else_was_ever_sealed(
    stack: dict[str, Any],
) -> None:
    shop = Shop(stack, kinds=("app",))
    assert shop.admin.ask("POST", f"/admin/v1/channels/{shop.code('app')}/test")["status"] == "ok"


def test_every_function_is_started_beforehand_and_again_when_its_process_is_killed(
    stack: dict[str, Any],
) -> None:
    before = eventually(lambda: processes(stack), lambda running: len(running) >= 8)["sweep"]
    os.kill(before, signal.SIGKILL)
    payload = client(stack, "lambda").invoke(
        FunctionName="openums-test-sweep", Payload=b'{"by": "test"}'
    )
    assert "FunctionError" not in payload, payload["Payload"].read()
    assert processes(stack)["sweep"] != before


def test_requests_are_counted_by_operation_and_by_function(stack: dict[str, Any]) -> None:
    ask("DELETE", stack["emulator_url"] + "/_openums/counts")
    client(stack, "lambda").invoke(FunctionName="openums-test-sweep", Payload=b'{"by": "test"}')
    client(stack, "sqs").list_queues()
    _, counts = ask("GET", stack["emulator_url"] + "/_openums/counts")
    assert counts["requests"]["sqs"]["ListQueues"] == 1
    assert counts["lambda"]["sweep"]["invocations"] == 1
    assert set(counts["by_caller"]["sweep"]["dynamodb"]) <= {"Query", "BatchWriteItem"}


def test_a_role_is_enforced(stack: dict[str, Any]) -> None:
    sts, iam = client(stack, "sts"), client(stack, "iam")
    role = next(each for each in iam.list_roles()["Roles"] if "SweepRole" in each["RoleName"])
    session = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
    asker = boto3.client(
        "dynamodb",
        endpoint_url=stack["emulator_url"],
        region_name="us-east-1",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    asker.query(
        TableName=config.table_name("test", "due"),
        KeyConditionExpression="#shard = :shard",
        ExpressionAttributeNames={"#shard": "shard"},
        ExpressionAttributeValues={":shard": {"N": "0"}},
    )
    with pytest.raises(ClientError, match="not authorized"):
        asker.scan(TableName=config.table_name("test", "users"))


def test_contacts_can_be_opened_for_their_purpose_only(stack: dict[str, Any]) -> None:
    kms = client(stack, "kms")
    sealed = kms.encrypt(
        KeyId="alias/openums-test", Plaintext=b"x", EncryptionContext={"purpose": "contacts"}
    )["CiphertextBlob"]
    with pytest.raises(ClientError):
        kms.decrypt(CiphertextBlob=sealed, EncryptionContext={"purpose": "credentials"})
    assert (
        kms.decrypt(CiphertextBlob=sealed, EncryptionContext={"purpose": "contacts"})["Plaintext"]
        == b"x"
    )


def test_up_starts_the_whole_stack_anew_when_the_sources_of_what_runs_here_have_changed(
    stack: dict[str, Any],
) -> None:
    before = json.loads(STACK.record.read_text())
    STACK.record.write_text(json.dumps({**before, "programs": "others"}))
    anew = up(STACK)
    after = json.loads(STACK.record.read_text())
    assert anew["access_key"] != stack["access_key"]
    assert after["programs"] == before["programs"]
    for process, module in (("emulator", "infra.local.emulator"), ("sandbox", "infra.sandbox")):
        assert after["pids"][process] != before["pids"][process]
        assert is_ours(after["pids"][process], module)
