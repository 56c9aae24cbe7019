"""Going back to the release before, and removing a stack, on the emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib import config
from infra import deploy, remove, rollback
from infra.local.deployment import local_aws
from infra.package_lock import LAYER_FILE
from infra.releases import Releases, values_of
from infra.stacks import DeploymentFailed, describe, stack_name
from tests.contracts import emulator
from tests.infra.stubs import StubbedSession
from tests.infra.test_deploy import TEMPLATE

STAGE = "released"
KEPT = config.table_name(STAGE, "kept")
MOMENT = "2027-01-15T08:00:00Z"
QUEUE = config.queue_name(STAGE, "jobs")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with (
        emulator.running(tmp_path_factory.mktemp("emulator")) as address,
        local_aws(address) as own,
    ):
        yield own


def release(*more: str, stage: str = STAGE) -> dict[str, Any]:
    """Return a template with a table, a queue, and more queues of these names."""
    template: dict[str, Any] = json.loads(json.dumps(TEMPLATE))
    resources = template["Resources"]
    resources["Kept"]["Properties"]["TableName"] = config.table_name(stage, "kept")
    resources["Late"]["Properties"]["QueueName"] = config.queue_name(stage, "jobs")
    resources |= {name: {"Type": "AWS::SQS::Queue"} for name in more}
    return template


def deployed(
    session: Any, folder: Path, template: dict[str, Any], stage: str = STAGE, **values: str
) -> None:
    (folder / "sam.json").write_text(json.dumps(template))
    (folder / "deployment.zip").write_bytes(b"")
    wanted: dict[str, Any] = {"stage": stage, "packaged": folder, "parameters": values}
    deploy.deploy(session, **wanted, poll=0.1, say=lambda text: None)


def resources(session: Any, stage: str = STAGE) -> set[str]:
    listed = session.client("cloudformation").list_stack_resources(StackName=stack_name(stage))
    return {each["LogicalResourceId"] for each in listed["StackResourceSummaries"]}


def values(session: Any, stage: str = STAGE) -> dict[str, str]:
    return values_of(describe(session.client("cloudformation"), stack_name(stage)))


def go_back(session: Any, stage: str = STAGE) -> None:
    rollback.rollback(session, stage=stage, poll=0.1, say=lambda text: None)


def test_a_rollback_goes_back_with_all_values_and_a_second_one_forward(
    session: Any, tmp_path: Path
) -> None:
    deployed(session, tmp_path, release())
    with pytest.raises(DeploymentFailed, match="no earlier release"):
        go_back(session)
    deployed(session, tmp_path, release("More"), Hidden="45")
    assert "More" in resources(session)
    go_back(session)
    assert "More" not in resources(session)
    assert values(session)["Hidden"] == "45"
    go_back(session)
    assert "More" in resources(session)


def break_off(session: Any) -> None:
    """End the next deployment when it would be noted, which CloudFormation has done by then."""
    event = "provide-client-params.s3.PutObject"

    def breaking(params: Mapping[str, Any], **_: Any) -> None:
        if params["Key"].startswith("releases/"):
            session.events.unregister(event, breaking)
            raise KeyboardInterrupt

    session.events.register(event, breaking)


def test_a_stack_whose_first_deployment_failed_has_no_release_to_go_back_from() -> None:
    """Nothing is noted: a later rollback must not go to what was never there."""
    session = StubbedSession()
    left = {"StackName": "openums-a", "CreationTime": MOMENT, "StackStatus": "ROLLBACK_COMPLETE"}
    session.add("cloudformation", "describe_stacks", {"Stacks": [left]})
    with pytest.raises(DeploymentFailed, match="left from a first deployment that failed"):
        go_back(session, "a")
    session.assert_all_asked()


def test_a_rollback_after_a_deployment_that_broke_off_goes_back_by_one(
    session: Any, tmp_path: Path
) -> None:
    stage = "brokenoff"
    deployed(session, tmp_path, release("One", stage=stage), stage)
    deployed(session, tmp_path, release("Two", stage=stage), stage)
    break_off(session)
    with pytest.raises(KeyboardInterrupt):
        deployed(session, tmp_path, release("Three", stage=stage), stage, Hidden="41")
    assert "Three" in resources(session, stage)
    go_back(session, stage)
    assert {"One", "Two", "Three"} & resources(session, stage) == {"Two"}
    assert values(session, stage)["Hidden"] == "41"
    go_back(session, stage)
    assert {"One", "Two", "Three"} & resources(session, stage) == {"Three"}


def note_later(noted: Releases) -> None:
    """Move the notes by an hour, as from machines whose clocks are ahead of this one."""
    for moment in sorted(noted._moments(), reverse=True):
        source = {"Bucket": noted.bucket, "Key": noted._key_at(moment)}
        later = noted._key_at(moment + 3_600_000)
        noted.s3.copy_object(Bucket=noted.bucket, Key=later, CopySource=source)
        noted.s3.delete_object(**source)


def test_a_rollback_goes_back_by_one_where_the_clock_of_the_last_deployer_is_behind(
    session: Any, tmp_path: Path
) -> None:
    stage = "behind"
    deployed(session, tmp_path, release(stage=stage), stage)
    deployed(session, tmp_path, release("More", stage=stage), stage)
    note_later(deploy.noted_releases(session, stage))
    deployed(session, tmp_path, release("More", "Most", stage=stage), stage)
    go_back(session, stage)
    assert "More" in resources(session, stage)
    assert "Most" not in resources(session, stage)
    go_back(session, stage)
    assert "Most" in resources(session, stage)


def test_a_deployment_that_broke_off_is_noted_by_the_next_one(session: Any, tmp_path: Path) -> None:
    stage = "brokenfirst"
    break_off(session)
    with pytest.raises(KeyboardInterrupt):
        deployed(session, tmp_path, release("One", stage=stage), stage)
    deployed(session, tmp_path, release("Two", stage=stage), stage)
    go_back(session, stage)
    assert {"One", "Two"} & resources(session, stage) == {"One"}


def test_a_note_whose_template_is_gone_stops_no_deployment(session: Any, tmp_path: Path) -> None:
    stage = "cleaned"
    deployed(session, tmp_path, release("One", stage=stage), stage)
    noted = deploy.noted_releases(session, stage)
    for entry in noted.s3.list_objects_v2(Bucket=noted.bucket, Prefix="template/")["Contents"]:
        noted.s3.delete_object(Bucket=noted.bucket, Key=entry["Key"])
    deployed(session, tmp_path, release("Two", stage=stage), stage)
    go_back(session, stage)
    assert {"One", "Two"} & resources(session, stage) == {"One"}


@pytest.mark.parametrize("prefix", ["template/", "code/"])
def test_a_rollback_to_a_package_that_is_gone_is_refused(
    session: Any, tmp_path: Path, prefix: str
) -> None:
    stage = f"gone{prefix[:-1]}"
    first = release(stage=stage)
    first["Conditions"] = {"Never": {"Fn::Equals": ["a", "b"]}}
    function = {"Type": rollback.FUNCTION, "Condition": "Never", "Properties": {"CodeUri": "x"}}
    first["Resources"]["Sweep"] = function
    deployed(session, tmp_path, first, stage)
    deployed(session, tmp_path, release("More", stage=stage), stage)
    noted = deploy.noted_releases(session, stage)
    for entry in noted.s3.list_objects_v2(Bucket=noted.bucket, Prefix=prefix)["Contents"]:
        noted.s3.delete_object(Bucket=noted.bucket, Key=entry["Key"])
    with pytest.raises(DeploymentFailed, match="is gone from the bucket"):
        go_back(session, stage)
    assert "More" in resources(session, stage)


def test_a_note_of_before_parameters_were_kept_is_read(session: Any, tmp_path: Path) -> None:
    stage = "plain"
    deployed(session, tmp_path, release("One", stage=stage), stage)
    noted = deploy.noted_releases(session, stage)
    prefix = f"releases/{stage}/"
    (note,) = noted.s3.list_objects_v2(Bucket=noted.bucket, Prefix=prefix)["Contents"]
    body = deploy.template_of(session.client("cloudformation"), stack_name(stage))
    address = noted.upload(body)
    noted.s3.put_object(Bucket=noted.bucket, Key=note["Key"], Body=address.encode())
    deployed(session, tmp_path, release("Two", stage=stage), stage)
    go_back(session, stage)
    assert {"One", "Two"} & resources(session, stage) == {"One"}


def test_a_rollback_gives_a_parameter_that_was_dropped_its_value_of_then(
    session: Any, tmp_path: Path
) -> None:
    stage, earlier = "dropped", release("One", stage="dropped")
    earlier["Parameters"]["Only"] = {"Type": "String", "Default": "a"}
    deployed(session, tmp_path, earlier, stage, Only="b")
    deployed(session, tmp_path, release("Two", stage=stage), stage, Hidden="44")
    assert "Only" not in values(session, stage)
    go_back(session, stage)
    assert values(session, stage) == {"Hidden": "44", "Only": "b"}


def test_a_rollback_to_a_release_without_its_layer_keeps_the_layer_of_today(
    session: Any, tmp_path: Path
) -> None:
    stage = "layered"
    for number, (name, is_on) in enumerate({"One": "off", "Two": "on"}.items()):
        template = release(name, stage=stage)
        template["Parameters"]["FactFiles"] = {"Type": "String", "Default": "off"}
        template["Conditions"] = {"On": {"Fn::Equals": [{"Ref": "FactFiles"}, "on"]}}
        layer = {"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": "x"}}
        template["Resources"]["Layer"] = {**layer, "Condition": "On"}
        (tmp_path / LAYER_FILE).write_bytes(b"layer %d" % number)
        deployed(session, tmp_path, template, stage, FactFiles=is_on)
    go_back(session, stage)
    assert {"One", "Two", "Layer"} & resources(session, stage) == {"One", "Layer"}
    template = deploy.template_of(session.client("cloudformation"), stack_name(stage))
    key = template["Resources"]["Layer"]["Properties"]["Content"]["S3Key"]
    assert deploy.noted_releases(session, stage).has(key)


def test_a_rollback_that_would_lose_a_table_is_refused(session: Any, tmp_path: Path) -> None:
    stage = "smaller"
    deployed(
        session,
        tmp_path,
        {**TEMPLATE, "Resources": {"More": {"Type": "AWS::SQS::Queue"}}},
        stage,
    )
    deployed(session, tmp_path, release(stage=stage), stage)
    with pytest.raises(DeploymentFailed, match="remove Kept"):
        go_back(session, stage)


def test_a_stack_is_removed_only_by_name_and_its_data_stays(
    session: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed(session, tmp_path, release())
    dynamodb, sqs = session.client("dynamodb"), session.client("sqs")
    dynamodb.put_item(TableName=KEPT, Item={"pk": {"S": "precious"}})
    emulator.create_tables(session.client, STAGE, ["due"])
    for number in "12":
        timer = {"shard": {"N": number}, "due": {"S": "0000000000001#check"}}
        dynamodb.put_item(TableName=config.table_name(STAGE, "due"), Item=timer)
    for yes in ([], ["--yes", "prod"]):
        with pytest.raises(SystemExit, match=f"add --yes {STAGE}"):
            remove.main(["--stage", STAGE, *yes], session_of=lambda: session)
    printed = capsys.readouterr().out
    assert f"Kept (AWS::DynamoDB::Table): {KEPT}" in printed
    assert "2 rows of timers" in printed
    assert protected(session, STAGE)
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="a job")
    named = ["--stage", STAGE, "--yes", STAGE]
    with pytest.raises(SystemExit, match="1 jobs wait"):
        remove.main(named, session_of=lambda: session)
    assert describe(session.client("cloudformation"), stack_name(STAGE))
    sqs.purge_queue(QueueUrl=url)
    remove.remove(session, stage=STAGE, poll=0.1)
    assert describe(session.client("cloudformation"), stack_name(STAGE)) is None
    assert dynamodb.scan(TableName=KEPT)["Items"] == [{"pk": {"S": "precious"}}]
    with pytest.raises(SystemExit, match="does not exist"):
        remove.main(named, session_of=lambda: session)


def protected(session: Any, stage: str) -> bool:
    described = describe(session.client("cloudformation"), stack_name(stage)) or {}
    return bool(described["EnableTerminationProtection"])


def test_a_stack_that_aws_does_not_delete_stays_protected(session: Any, tmp_path: Path) -> None:
    stage = "refused"
    deployed(session, tmp_path, release(stage=stage), stage)

    def denied(**_: Any) -> None:
        answer = {"Error": {"Code": "AccessDenied", "Message": "no"}}
        raise ClientError(answer, "DeleteStack")  # type: ignore[arg-type]

    session.events.register("before-call.cloudformation.DeleteStack", denied)
    with pytest.raises(SystemExit, match="AccessDenied"):
        remove.main(["--stage", stage, "--yes", stage], session_of=lambda: session)
    assert protected(session, stage)
    session.events.unregister("before-call.cloudformation.DeleteStack", denied)


def test_a_resource_that_was_never_made_is_not_among_the_contents() -> None:
    session = StubbedSession()
    stack = {"StackName": "openums-prod", "StackStatus": "CREATE_FAILED", "CreationTime": MOMENT}
    session.add("cloudformation", "describe_stacks", {"Stacks": [stack]})
    session.add("cloudformation", "get_template", {"TemplateBody": json.dumps(TEMPLATE)})
    times = {"LastUpdatedTimestamp": MOMENT, "ResourceType": "AWS::DynamoDB::Table"}
    failed = {"LogicalResourceId": "Kept", "ResourceStatus": "CREATE_FAILED", **times}
    session.add("cloudformation", "list_stack_resources", {"StackResourceSummaries": [failed]})
    assert remove.contents(session, "prod") == remove.Contents([], 0, [])
