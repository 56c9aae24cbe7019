"""The smoke test's look behind the API: at ticks of the clock, and at timers."""

from __future__ import annotations

import contextlib
import datetime
import itertools
from typing import Any

import pytest

from infra import smoke_aws
from infra.smoke_target import Clock, Failed
from tests.infra.smoke_service import TARGET
from tests.infra.stubs import StubbedSession


@pytest.fixture
def at_once() -> Clock:
    clock = itertools.count()
    return Clock(lambda: next(clock), lambda seconds: None)


def execution(name: str, started: float) -> dict[str, Any]:
    moment = datetime.datetime.fromtimestamp(started, datetime.UTC)
    arn = f"arn:aws:states:us-east-1:1:execution:openums-prod-clock:{name}"
    return {
        "executionArn": arn,
        "stateMachineArn": "arn:aws:states:us-east-1:1:stateMachine:openums-prod-clock",
        "name": name,
        "status": "SUCCEEDED",
        "startDate": moment,
    }


def test_a_tick_counts_if_it_was_started_during_the_run(at_once: Clock) -> None:
    session, now = StubbedSession(), 1_800_000_000.0
    machines = [
        {
            "stateMachineArn": f"arn:aws:states:us-east-1:1:stateMachine:{name}",
            "name": name,
            "type": "STANDARD",
            "creationDate": datetime.datetime.now(datetime.UTC),
        }
        for name in ("openums-prod-clock", "openums-test-clock")
    ]
    session.add("stepfunctions", "list_state_machines", {"stateMachines": machines})
    for executions in ([], [execution("old", now - 9)], [execution("tick-1", now + 1)]):
        session.add("stepfunctions", "list_executions", {"executions": executions})
    assert smoke_aws.tick_succeeded(session, "prod", now, 60, at_once) == "tick-1"
    session.assert_all_asked()


def test_credentials_of_another_account_or_region_fail_the_check_in_words(at_once: Clock) -> None:
    session = StubbedSession()
    session.add("stepfunctions", "list_state_machines", {"stateMachines": []})
    with pytest.raises(Failed, match="no openums-prod-clock in us-east-1"):
        smoke_aws.tick_succeeded(session, "prod", 0.0, 60, at_once)


def test_a_timer_that_stays_overdue_fails(at_once: Clock) -> None:
    session = StubbedSession()
    row = {"shard": {"N": "1"}, "due": {"S": "1800000000000#check"}}
    session.add("dynamodb", "query", {"Items": []})
    session.add("dynamodb", "query", {"Items": [row]})
    for _ in range(4):
        session.add("dynamodb", "query", {"Items": []})
    waited = smoke_aws.no_timer_is_overdue(session, "prod", 60, at_once)
    assert waited == "no timer has waited 300 s"
    session.assert_all_asked()
    for _ in range(3):
        session.add("dynamodb", "query", {"Items": [row]})
    with pytest.raises(Failed, match="openums-prod-due"):
        smoke_aws.no_timer_is_overdue(session, "prod", 2, at_once)


def test_without_credentials_of_aws_nothing_behind_the_api_is_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with contextlib.ExitStack() as opened:
        assert smoke_aws.session_of(TARGET, opened) is None
