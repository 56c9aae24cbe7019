"""The garbage collector rests while a container starts, and works from its first request on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ENTRIES = ["import app", "from chalicelib.entrypoints.lambdas import queues"]
NAMES = ("STAGE", "PUBLIC_URL", "QUEUE_URL_PREFIX", "CLOCK_ARN", "KMS_KEY", "FILES_BUCKET")
SETTINGS = dict.fromkeys(NAMES, "x") | {"CHANNEL_TYPES": "app", "AWS_DEFAULT_REGION": "eu-west-1"}
PRINTED = """
import contextlib, gc
{entry}
print(gc.isenabled())
from chalicelib import wiring
with contextlib.suppress(KeyError):
    wiring.world()
    print("built")
print(gc.isenabled(), gc.get_freeze_count() > 0)
"""


def printed(entry: str, variables: dict[str, str]) -> list[str]:
    command = [sys.executable, "-c", PRINTED.format(entry=entry)]
    path = {"PATH": os.environ["PATH"]}
    ended = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env=path | variables
    )
    return ended.stdout.split()


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("is_lambda", [True, False])
def test_the_collector_rests_until_the_world_is_built(entry: str, is_lambda: bool) -> None:
    variables = SETTINGS | ({"AWS_LAMBDA_FUNCTION_NAME": "x"} if is_lambda else {})
    assert printed(entry, variables) == [str(not is_lambda), "built", "True", "True"]


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_collector_works_again_where_the_world_cannot_be_built(entry: str) -> None:
    assert printed(entry, {"AWS_LAMBDA_FUNCTION_NAME": "x"}) == ["False", "True", "True"]
