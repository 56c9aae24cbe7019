"""Deploying by change sets: what real CloudFormation, S3 and boto3 are particular about."""

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
from infra import change_sets, deploy
from infra.local.deployment import local_aws
from infra.releases import Releases
from infra.stacks import DeploymentFailed
from tests.contracts import emulator
from tests.infra.stubs import StubbedSession

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
        local_aws(address) as own,
    ):
        yield own


@pytest.fixture
def packaged(tmp_path: Path) -> Path:
    """A table that outlives its stack, then a queue that hides messages for `Hidden` seconds.

    The queue cannot be created if that is too long.
    """
    (tmp_path / "sam.json").write_text(json.dumps(TEMPLATE))
    (tmp_path / "deployment.zip").write_bytes(b"")
    return tmp_path


def deployed(session: Any, packaged: Path, **given: str) -> deploy.Deployment:
    return deploy.deploy(
        session, stage=STAGE, packaged=packaged, parameters=given, poll=0.1, say=lambda text: None
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


def planned(session: Any, packaged: Path, **values: str) -> list[str]:
    return list(deploy.plan(session, stage=STAGE, packaged=packaged, parameters=values, poll=0.1))


def test_a_plan_shows_what_would_change_and_changes_nothing(session: Any, packaged: Path) -> None:
    cloudformation = session.client("cloudformation")
    deployed(session, packaged)
    assert planned(session, packaged) == ["openums-attempt: nothing would change"]
    before = cloudformation.describe_stacks(StackName="openums-attempt")["Stacks"][0]
    lines = planned(session, packaged, Hidden="55")
    assert lines[0].split() == ["action", "logical", "id", "type", "replacement"]
    assert any(line.split()[:3] == ["Modify", "Late", "AWS::SQS::Queue"] for line in lines)
    after = cloudformation.describe_stacks(StackName="openums-attempt")["Stacks"][0]
    assert after["Parameters"] == before["Parameters"]
    sets = cloudformation.list_change_sets(StackName="openums-attempt")["Summaries"]
    assert [summary for summary in sets if summary["ExecutionStatus"] == "AVAILABLE"] == []


def test_a_plan_of_a_first_deployment_leaves_no_stack(session: Any, packaged: Path) -> None:
    lines = list(deploy.plan(session, stage="fresh", packaged=packaged, parameters={}, poll=0.1))
    assert lines[-1] == "2 Add"
    assert deploy.describe(session.client("cloudformation"), "openums-fresh") is None


def test_a_plan_leaves_a_stack_that_somebody_else_creates_meanwhile() -> None:
    session = StubbedSession()
    begun = {
        "StackName": "openums-prod",
        "CreationTime": datetime.datetime(2026, 11, 30, tzinfo=datetime.UTC),
        "StackStatus": "CREATE_IN_PROGRESS",
    }
    session.add("cloudformation", "delete_change_set")
    session.add("cloudformation", "describe_stacks", {"Stacks": [begun]})
    cloudformation = session.client("cloudformation")
    change_sets.discard(cloudformation, "openums-prod", "deploy-1", exists=False)
    session.assert_all_asked()


def test_a_stack_is_protected_against_deletion_from_its_first_success_on(
    session: Any, packaged: Path
) -> None:
    deployed(session, packaged)
    stack = session.client("cloudformation").describe_stacks(StackName="openums-attempt")
    assert stack["Stacks"][0]["EnableTerminationProtection"] is True


def test_a_table_is_not_removed_unless_it_is_named(session: Any, packaged: Path) -> None:
    def deploy_without_the_table(*may_replace: str) -> deploy.Deployment:
        return deploy.deploy(
            session,
            stage=STAGE,
            packaged=packaged,
            parameters={},
            poll=0.1,
            say=lambda text: None,
            may_replace=may_replace,
        )

    deployed(session, packaged)
    smaller = json.loads(json.dumps(TEMPLATE))
    del smaller["Resources"]["Kept"], smaller["Resources"]["Late"]["DependsOn"]
    (packaged / "sam.json").write_text(json.dumps(smaller))
    with pytest.raises(DeploymentFailed, match=r"remove Kept \(AWS::DynamoDB::Table\).*Nothing"):
        deploy_without_the_table("Late")
    resources = session.client("cloudformation").list_stack_resources(StackName="openums-attempt")
    assert "Kept" in {
        resource["LogicalResourceId"] for resource in resources["StackResourceSummaries"]
    }
    assert deploy_without_the_table("Kept").changed


@pytest.mark.parametrize("replacement", ["True", "Conditional"])
def test_a_bucket_or_key_that_would_be_replaced_is_named_with_the_way_to_allow_it(
    replacement: str,
) -> None:
    changes = [
        change_sets.Change("Modify", "SealingKey", "AWS::KMS::Key", replacement),
        change_sets.Change("Modify", "FilesBucket", "AWS::S3::Bucket", replacement),
        change_sets.Change("Modify", "Sweep", "AWS::Lambda::Function", replacement),
        change_sets.Change("Modify", "UsersTable", "AWS::DynamoDB::Table", "False"),
        change_sets.Change("Remove", "OldQueue", "AWS::SQS::Queue", ""),
    ]
    with pytest.raises(DeploymentFailed) as refused:
        change_sets.refuse_losses(changes, ["FilesBucket"])
    assert str(refused.value).endswith("deploy with --yes-replace SealingKey.")
    assert "\n" not in str(refused.value)
    change_sets.refuse_losses(changes, ["FilesBucket", "SealingKey"])


def test_the_changes_that_lose_data_come_first_and_every_page_is_read() -> None:
    session = StubbedSession()
    for names, more in (
        (("Queue", "SQS::Queue"), {"NextToken": "2"}),
        (("T", "DynamoDB::Table"), {}),
    ):
        change = {
            "Action": "Remove",
            "LogicalResourceId": names[0],
            "ResourceType": f"AWS::{names[1]}",
        }
        session.add(
            "cloudformation",
            "describe_change_set",
            {"Changes": [{"Type": "Resource", "ResourceChange": change}], **more},
        )
    listed = change_sets.changes(session.client("cloudformation"), "s", "c")
    assert [change.logical_id for change in listed] == ["T", "Queue"]
    assert list(change_sets.table(listed))[-1] == "2 Remove"


def test_the_command_deploys_nothing_that_the_preflight_refuses(packaged: Path) -> None:
    session = StubbedSession()
    session.refuse("sts", "get_caller_identity", "ExpiredToken")
    options = deploy._parser().parse_args(["--stage", "attempt"])
    with pytest.raises(DeploymentFailed, match="nothing was deployed; --no-preflight"):
        deploy._run(session, options, lambda stage, target: packaged)
    session.assert_all_asked()


def test_the_cause_is_found_behind_the_pages_of_a_rollback_without_those_of_others() -> None:
    def event(resource: str, status: str, reason: str = "", of: str = "q") -> dict[str, Any]:
        moment = datetime.datetime.now(datetime.UTC)
        named = {
            "StackId": "arn:stack",
            "EventId": f"{resource}-{status}",
            "StackName": "openums-x",
            "Timestamp": moment,
        }
        return {
            **named,
            "LogicalResourceId": resource,
            "PhysicalResourceId": of,
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
        }

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
            deploy.why(cloudformation, "openums-x")
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
        assert (
            Releases(s3, "packages", "prod")
            .upload({"Resources": {}})
            .startswith(f"https://{host}/packages/template/")
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
            deploy.artifacts_bucket(session, s3)


def test_the_region_is_read_where_other_tools_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_REGION", "cn-north-1")
    assert deploy.aws().region_name == "cn-north-1"
