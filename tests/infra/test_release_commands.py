"""Going back to the release before, and removing a stack, on the emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib import config
from infra import deploy, remove, rollback
from infra.local.deployment import local_aws
from infra.stacks import DeploymentFailed, describe, stack_name
from tests.contracts import emulator
from tests.infra.test_deploy import TEMPLATE

STAGE = "released"
KEPT = config.table_name(STAGE, "kept")
QUEUE = config.queue_name(STAGE, "jobs")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with (
        emulator.running(tmp_path_factory.mktemp("emulator")) as address,
        local_aws(address) as own,
    ):
        yield own


def deployed(session: Any, folder: Path, *, more: bool, **values: str) -> None:
    """Deploy a table and a queue, and with `more` another queue beside them."""
    template = json.loads(json.dumps(TEMPLATE))
    template["Resources"]["Kept"]["Properties"]["TableName"] = KEPT
    template["Resources"]["Late"]["Properties"]["QueueName"] = QUEUE
    if more:
        template["Resources"]["More"] = {"Type": "AWS::SQS::Queue"}
    (folder / "sam.json").write_text(json.dumps(template))
    (folder / "deployment.zip").write_bytes(b"")
    deploy.deploy(
        session,
        stage=STAGE,
        packaged=folder,
        parameters=values,
        poll=0.1,
        say=lambda text: None,
    )


def resources(session: Any) -> set[str]:
    listed = session.client("cloudformation").list_stack_resources(StackName=stack_name(STAGE))
    return {each["LogicalResourceId"] for each in listed["StackResourceSummaries"]}


def go_back(session: Any) -> None:
    rollback.rollback(session, stage=STAGE, poll=0.1, say=lambda text: None)


def test_a_rollback_goes_back_with_all_values_and_a_second_one_forward(
    session: Any, tmp_path: Path
) -> None:
    deployed(session, tmp_path, more=False)
    with pytest.raises(DeploymentFailed, match="no earlier release"):
        go_back(session)
    deployed(session, tmp_path, more=True, Hidden="45")
    assert "More" in resources(session)
    go_back(session)
    assert "More" not in resources(session)
    described = describe(session.client("cloudformation"), stack_name(STAGE)) or {}
    values = {each["ParameterKey"]: each["ParameterValue"] for each in described["Parameters"]}
    assert values["Hidden"] == "45"
    go_back(session)
    assert "More" in resources(session)


def test_a_rollback_that_would_lose_a_table_is_refused(session: Any, tmp_path: Path) -> None:
    smaller = {**TEMPLATE, "Resources": {"More": {"Type": "AWS::SQS::Queue"}}}
    (tmp_path / "sam.json").write_text(json.dumps(smaller))
    (tmp_path / "deployment.zip").write_bytes(b"")
    wanted: dict[str, Any] = {"stage": "smaller", "packaged": tmp_path, "parameters": {}}
    wanted |= {"poll": 0.1}
    deploy.deploy(session, **wanted, say=lambda text: None)
    larger = json.loads(json.dumps(TEMPLATE))
    larger["Resources"]["Kept"]["Properties"]["TableName"] = config.table_name("smaller", "kept")
    (tmp_path / "sam.json").write_text(json.dumps(larger))
    deploy.deploy(session, **wanted, say=lambda text: None)
    with pytest.raises(DeploymentFailed, match="remove Kept"):
        rollback.rollback(session, stage="smaller", poll=0.1, say=lambda text: None)


def test_a_stack_is_removed_only_by_name_and_its_data_stays(
    session: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed(session, tmp_path, more=False)
    dynamodb, sqs = session.client("dynamodb"), session.client("sqs")
    dynamodb.put_item(TableName=KEPT, Item={"pk": {"S": "precious"}})
    for yes in ([], ["--yes", "prod"]):
        with pytest.raises(SystemExit, match=f"add --yes {STAGE}"):
            remove.main(["--stage", STAGE, *yes], session_of=lambda: session)
    assert f"Kept (AWS::DynamoDB::Table): {KEPT}" in capsys.readouterr().out
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
