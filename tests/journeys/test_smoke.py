"""The smoke test of a deployed stage passes on the local stack, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from infra.smoke_target import Api
from infra.smoke_trial import NAME
from tests.journeys.conftest import STACK
from tests.liveness import PATIENCE

pytestmark = pytest.mark.alone  # the smoke test measures ticks


def test_the_smoke_test_passes_and_cleans_up(stack: Mapping[str, Any]) -> None:
    command = [sys.executable, "-m", "infra.smoke", "--stage", STACK.stage]
    own = {name: value for name, value in os.environ.items() if not name.startswith("OPENUMS_")}
    ended = subprocess.run(
        [*command, "--stack", str(STACK.description)],
        env=own,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    lines = ended.stdout.splitlines()
    assert all(line.startswith("ok ") for line in lines)
    assert "ran when the first step's time was over" in ended.stdout
    assert any(line.split()[3:5] == ["a", "tick"] for line in lines)
    admin = Api(stack["api_url"], (stack["access_key"], stack["access_secret"]))
    codes = [
        channel["code"] for channel in admin.ask("GET", "/admin/v1/channels?limit=500")["channels"]
    ]
    assert [code for code in codes if code.startswith("smoke")] == []
    users = admin.ask("GET", "/admin/v1/users?prefix=smoke-")["users"]
    assert users == []
    access = admin.ask("GET", "/admin/v1/access-channels?limit=500")["access_channels"]
    assert [channel["enabled"] for channel in access if channel["name"] == NAME] == [False]
