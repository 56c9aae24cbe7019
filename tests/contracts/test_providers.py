"""The registry of providers as wiring gives it to the flow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib import config
from chalicelib.ports import World

ROOT = Path(__file__).resolve().parents[2]


def test_every_supported_type_has_platforms(real: World) -> None:
    for kind in config.SUPPORTED_CHANNEL_TYPES:
        assert real.providers.platforms(kind), kind


def test_every_platform_of_a_type_delivers_on_it(world: World) -> None:
    for kind in config.SUPPORTED_CHANNEL_TYPES:
        for platform in world.providers.platforms(kind):
            able = world.providers.of(platform).capabilities
            assert (able.type, able.platform) == (kind, platform)


def test_an_unknown_platform_is_a_key_error(world: World) -> None:
    with pytest.raises(KeyError):
        world.providers.of("pigeon")


def test_the_limits_leave_a_worker_time_before_somebody_looks_after_it(world: World) -> None:
    limits = world.limits
    assert limits.check_after > 2 * limits.lease
    assert limits.lease > 0
    assert list(limits.recount_delays) == sorted(limits.recount_delays)


def test_a_world_is_made_without_speaking_to_anybody_and_without_http() -> None:
    """A cold start imports neither: the first calls of AWS and of a provider do."""
    names = ("STAGE", "PUBLIC_URL", "QUEUE_URL_PREFIX", "CLOCK_ARN", "KMS_KEY", "FILES_BUCKET")
    variables = {**dict.fromkeys(names, "x"), "CHANNEL_TYPES": "sms"}
    script = (
        "import sys; from chalicelib import wiring; wiring.world();"
        " print([m for m in ('boto3', 'requests') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=variables, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr
