"""Deliveries are measured: until their submission, and at the provider."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib import observability
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.errors import Rejected, Unavailable
from tests.builders import a_channel, an_access_channel
from tests.fakes.world import FakeWorld
from tests.flow.delivery.mails import planned, run


@pytest.fixture
def fake() -> FakeWorld:
    fake = FakeWorld()
    fake.settings.put_access_channel(an_access_channel())
    fake.settings.put_channel(a_channel("mail", ChannelType.EMAIL))
    observability.flush_metrics()
    return fake


def measured(capsys: pytest.CaptureFixture[str], name: str) -> dict[str, Any]:
    """Return the line of a metric that was written."""
    capsys.readouterr()
    observability.flush_metrics()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = [line for line in lines if name in line]
    return dict(line)


def test_the_time_until_submission_is_measured_by_priority(
    fake: FakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    _, job = planned(fake, 50, priority=Priority.HIGH)
    fake.clock.advance(7)
    run(fake, job)
    line = measured(capsys, "submitted_after")
    assert (line["submitted_after"], line["priority"]) == ([7, 7], "1")


@pytest.mark.parametrize(
    ("error", "failed"), [(None, 0), (Rejected("5.7.1"), 0), (Unavailable("slow"), 1)]
)
def test_calls_are_measured_by_delivery_channel(
    fake: FakeWorld,
    capsys: pytest.CaptureFixture[str],
    error: Exception | None,
    failed: int,
) -> None:
    if error is not None:
        fake.providers.mail.fail(error)
    run(fake, planned(fake, 25)[1])
    line = measured(capsys, "provider_ms")
    assert (line["channel"], line["provider_errors"]) == ("mail", [failed])
    assert len(line["provider_ms"]) == 1
