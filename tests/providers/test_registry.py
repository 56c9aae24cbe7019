from __future__ import annotations

import subprocess
import sys

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid
from chalicelib.ports import Provider
from chalicelib.providers import registry
from chalicelib.web.egress import Policy
from infra.demo.platforms import PLATFORMS


def test_every_platform_has_a_provider_of_that_name() -> None:
    matrix = registry.capabilities()
    assert set(matrix) == set(PLATFORMS)
    assert all(can.platform == platform and can.call_size > 0 for platform, can in matrix.items())


@pytest.mark.parametrize("channel_type", ChannelType)
def test_platforms_by_channel_type(channel_type: ChannelType) -> None:
    of_type = tuple(name for name, row in PLATFORMS.items() if row.type == channel_type.value)
    assert of_type
    assert registry.platforms_of(channel_type) == of_type


def test_a_container_keeps_its_provider() -> None:
    first: Provider = registry.load("jpush", Policy(), 3.0)
    assert registry.load("jpush", Policy(), 3.0) is first
    assert registry.load("jpush", Policy(("127.0.0.1",)), 3.0) is not first


def test_an_unknown_platform_is_refused() -> None:
    with pytest.raises(Invalid, match=", ".join(sorted(PLATFORMS))):
        registry.load("pigeon", Policy())


def test_checking_settings_imports_no_client() -> None:
    program = (
        "import sys; from chalicelib.providers import registry; registry.capabilities();"
        "clients = 'requests urllib3 smtplib cryptography boto3 pydantic chalice'.split();"
        "print([name for name in clients if name in sys.modules])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == "[]"


def test_what_a_worker_serves_reports_to_the_worker() -> None:
    """It has queues of its own, which no poll and no webhook knows of."""
    served = {platform: can for platform, can in registry.capabilities().items() if can.worker}
    assert {platform: can.worker for platform, can in served.items()} == {"cmpp": "cmpp"}
    assert not any(can.receipt_modes for can in served.values())
