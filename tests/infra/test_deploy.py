"""Deployments by change sets, with the particularities of CloudFormation, S3 and boto3."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from chalicelib import config
from infra import deploy
from infra.local.deployment import local_aws
from tests.contracts import emulator

STAGE = "attempt"
KEPT = config.table_name(STAGE, "kept")
TEMPLATE = {
    "Parameters": {"Hidden": {"Type": "Number", "Default": 30}},
    "Resources": {
        "Kept": {
            "Type": "AWS::DynamoDB::Table",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "TableName": KEPT,
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            },
        },
        "Late": {
            "Type": "AWS::SQS::Queue",
            "DependsOn": "Kept",
            "Properties": {"VisibilityTimeout": {"Ref": "Hidden"}},
        },
    },
}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with (
        emulator.running(tmp_path_factory.mktemp("emulator")) as address,
        local_aws(address) as session,
    ):
        yield session


@pytest.fixture
def packaged(tmp_path: Path) -> Path:
    """A table that outlives its stack, and a queue whose creation fails for a long timeout."""
    (tmp_path / "sam.json").write_text(json.dumps(TEMPLATE))
    (tmp_path / "deployment.zip").write_bytes(b"")
    return tmp_path


def deployed(session: Any, packaged: Path, **parameters: str) -> deploy.Deployment:
    return deploy.deploy(
        session,
        stage=STAGE,
        packaged=packaged,
        parameters=parameters,
        poll=0.1,
        say=lambda text: None,
    )


def test_a_first_deployment_that_failed_leaves_nothing_and_is_repeated(
    session: Any, packaged: Path
) -> None:
    dynamodb = session.client("dynamodb")
    for _ in range(2):
        with pytest.raises(deploy.DeploymentFailed, match="Late"):
            deployed(session, packaged, Hidden="99999")
        assert KEPT not in dynamodb.list_tables()["TableNames"]
    assert deployed(session, packaged).changed
    assert not deployed(session, packaged).changed


def test_an_update_that_failed_leaves_what_was_there(session: Any, packaged: Path) -> None:
    deployed(session, packaged)
    with pytest.raises(deploy.DeploymentFailed, match="Late"):
        deployed(session, packaged, Hidden="99999")
    assert KEPT in session.client("dynamodb").list_tables()["TableNames"]
    assert deployed(session, packaged, Hidden="40").changed


def event(resource: str, status: str, reason: str = "", of: str = "q") -> dict[str, Any]:
    return {
        "StackId": "arn:stack",
        "EventId": f"{resource}-{status}",
        "StackName": "openums-x",
        "Timestamp": datetime.datetime.now(datetime.UTC),
        "LogicalResourceId": resource,
        "PhysicalResourceId": of,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def test_the_cause_is_read_past_the_pages_of_a_rollback_and_up_to_this_attempts_start() -> None:
    rollback = [
        event("Table", "DELETE_COMPLETE"),
        event("openums-x", "UPDATE_ROLLBACK_IN_PROGRESS", of="arn:stack"),
    ]
    cause = [
        event("Topic", "CREATE_FAILED", "cancelled"),
        event("Queue", "CREATE_FAILED", "too long"),
    ]
    begun = event("openums-x", "UPDATE_IN_PROGRESS", of="arn:stack")
    cloudformation = boto3.session.Session("id", "secret", region_name="us-east-1").client(
        "cloudformation"
    )
    with Stubber(cloudformation) as stub:
        stub.add_response("describe_stack_events", {"StackEvents": rollback, "NextToken": "2"})
        stub.add_response(
            "describe_stack_events",
            {"StackEvents": [*cause, begun, event("Old", "CREATE_FAILED", "last week")]},
        )
        assert (
            deploy._why(cloudformation, "openums-x")
            == "openums-x failed\nQueue: too long\nTopic: cancelled"
        )


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "s3.amazonaws.com"),
        ("ap-southeast-1", "s3.ap-southeast-1.amazonaws.com"),
        ("cn-north-1", "s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_cloudformation_reads_the_template_at_the_host_of_the_buckets_region(
    region: str, host: str, packaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    s3 = boto3.session.Session("id", "secret", region_name=region).client("s3")
    with Stubber(s3) as stub:
        stub.add_response("put_object", {})
        stub.add_response("put_object", {})
        assert deploy._upload(s3, "packages", packaged).startswith(
            f"https://{host}/packages/template/"
        )


def test_code_is_not_put_into_a_bucket_of_somebody_else(session: Any) -> None:
    s3, account = session.client("s3"), session.client("sts").get_caller_identity()["Account"]
    bucket = f"openums-packages-{account}-{session.region_name}"
    with Stubber(s3) as stub:
        stub.add_client_error(
            "head_bucket",
            "403",
            "Forbidden",
            403,
            None,
            {"Bucket": bucket, "ExpectedBucketOwner": account},
        )
        with pytest.raises(ClientError, match="Forbidden"):
            deploy._artifacts_bucket(session, s3)


def test_the_region_is_read_where_other_tools_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_REGION", "cn-north-1")
    assert deploy.aws().region_name == "cn-north-1"
