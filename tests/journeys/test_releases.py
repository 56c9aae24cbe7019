"""The packaged template is updated, rolled back and removed, on an emulator of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib import config
from infra import deploy, remove, rollback
from infra.local import deployment
from infra.local.deployment import local_aws
from infra.package import ROOT
from infra.stacks import describe, stack_name
from tests.contracts import emulator
from tests.journeys.conftest import STACK
from tests.journeys.test_updates import another_version, packaged

pytestmark = [pytest.mark.alone, pytest.mark.packages]  # it deploys everything, three times

KEPT = (
    "AudiencesTable",
    "FilesBucket",
    "MessagesTable",
    "SealingKey",
    "SettingsTable",
    "UsersTable",
)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Any]:
    with emulator.running(tmp_path) as address, local_aws(address) as own:
        yield own


def deployed(session: Any, source: Path) -> None:
    deploy.deploy(
        session,
        stage=STACK.stage,
        packaged=packaged(source),
        parameters={**deployment.PARAMETERS, "PublicUrl": "http://127.0.0.1:1"},
        poll=0.1,
        say=lambda text: None,
    )


def code(session: Any) -> str:
    name = config.function_name(STACK.stage, "sweep")
    answer = session.client("lambda").get_function_configuration(FunctionName=name)
    return str(answer["CodeSha256"])


def test_a_release_goes_back_by_one_command_and_away_by_another(
    session: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed(session, ROOT)
    first = code(session)
    deployed(session, another_version(tmp_path / "project"))
    assert code(session) != first
    rollback.rollback(session, stage=STACK.stage, poll=0.1, say=lambda text: None)
    assert code(session) == first
    users = config.table_name(STACK.stage, "users")
    item = {"bucket": {"N": "1"}, "userid": {"S": "ann"}}
    session.client("dynamodb").put_item(TableName=users, Item=item)
    found = remove.contents(session, STACK.stage)
    assert tuple(sorted(each.logical_id for each in found.kept)) == KEPT
    with pytest.raises(SystemExit, match="nothing was removed"):
        remove.main(["--stage", STACK.stage], session_of=lambda: session)
    assert users in capsys.readouterr().out
    remove.remove(session, stage=STACK.stage, poll=0.1)
    assert describe(session.client("cloudformation"), stack_name(STACK.stage)) is None
    assert session.client("dynamodb").scan(TableName=users)["Items"] == [item]
