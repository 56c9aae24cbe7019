"""Whatever AWS refuses is one line that says what to do, and never a traceback."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from botocore import exceptions
from botocore.exceptions import ClientError

from infra import aws_errors, deploy, stacks
from infra.stacks import DeploymentFailed


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("CREATE_IN_PROGRESS", "another deployment runs. Wait until it ends"),
        ("ROLLBACK_IN_PROGRESS", "another deployment runs. Wait until it ends"),
        ("UPDATE_ROLLBACK_FAILED", "choose “Continue update rollback”"),
        ("ROLLBACK_FAILED", "delete the stack"),
        ("DELETE_FAILED", "delete the stack again"),
    ],
)
def test_a_stack_that_takes_no_change_set_says_the_way_out(status: str, advice: str) -> None:
    with pytest.raises(DeploymentFailed, match=advice) as refused:
        stacks.refuse_unready("openums-prod", status)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_FAILED"])
def test_a_stack_that_takes_a_change_set_is_let_through(status: str) -> None:
    stacks.refuse_unready("openums-prod", status)


def client_error(code: str, operation: str = "DescribeStacks") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "the\nreason."}}, operation)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (client_error("ExpiredToken"), "sign in again"),
        (client_error("AccessDenied"), "rights of a deployer"),
        (client_error("UnrecognizedClientException"), "check AWS_PROFILE"),
        (client_error("Throttling"), "wait a minute"),
        (client_error("LimitExceededException"), "Service Quotas"),
        (client_error("403", "HeadBucket"), "is of another account"),
        (client_error("Strange"), "DescribeStacks: Strange: the reason."),
        (exceptions.NoCredentialsError(), "set AWS_PROFILE"),
        (exceptions.UnauthorizedSSOTokenError(), "sign in again"),
        (exceptions.ProfileNotFound(profile="x"), "~/.aws/config"),
        (exceptions.EndpointConnectionError(endpoint_url="https://x"), "check the network"),
        (exceptions.WaiterError("StackDeleteComplete", "failed", {}), "events"),
    ],
)
def test_an_error_of_aws_is_one_line_with_advice(error: Any, advice: str) -> None:
    line = aws_errors.explain(error)
    assert advice in line
    assert "\n" not in line
    assert ".." not in line


@pytest.mark.parametrize(
    "error",
    [
        client_error("ExpiredToken"),
        exceptions.NoCredentialsError(),
        subprocess.CalledProcessError(1, "package"),
        DeploymentFailed("x"),
    ],
)
def test_the_command_ends_without_a_traceback(error: Exception) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(SystemExit) as ended:
        deploy.main(["--stage", "attempt"], session_of=fail)
    assert isinstance(ended.value.code, str)
    assert "\n" not in ended.value.code
