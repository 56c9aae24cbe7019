"""Every platform is registered, with the capabilities of its provider."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid
from chalicelib.ports import Provider
from chalicelib.providers import registry
from chalicelib.web.egress import Policy

MATRIX = registry.capabilities()
CLIENTS = ("requests", "urllib3", "smtplib", "cryptography", "boto3", "pydantic", "chalice")


def test_every_platform_has_a_provider_of_that_name() -> None:
    assert {capabilities.platform for capabilities in MATRIX.values()} == set(MATRIX)
    for platform, capabilities in MATRIX.items():
        assert capabilities.platform == platform
        assert capabilities.call_size > 0


@pytest.mark.parametrize("channel_type", ChannelType)
def test_every_channel_type_has_its_platforms(channel_type: ChannelType) -> None:
    platforms = registry.platforms_of(channel_type)
    assert platforms
    assert platforms == tuple(name for name in MATRIX if MATRIX[name].type is channel_type)


def test_several_platforms_may_serve_one_channel_type() -> None:
    assert registry.platforms_of(ChannelType.APP) == ("jpush", "jpush_private")


def test_a_container_keeps_its_provider() -> None:
    first: Provider = registry.load("jpush", Policy(), 3.0)
    assert registry.load("jpush", Policy(), 3.0) is first
    assert registry.load("jpush", Policy(("127.0.0.1",)), 3.0) is not first


def test_an_unknown_platform_is_refused() -> None:
    with pytest.raises(Invalid, match=", ".join(sorted(MATRIX))):
        registry.load("pigeon", Policy())


def test_checking_settings_imports_no_client() -> None:
    program = (
        "import sys; from chalicelib.providers import registry; registry.capabilities();"
        f"print([client for client in {CLIENTS} if client in sys.modules])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == "[]"


def test_what_a_worker_serves_reports_to_the_worker() -> None:
    """A worker has queues of its own, which polls and webhooks do not know."""
    served = {platform: can for platform, can in registry.capabilities().items() if can.worker}
    assert {platform: can.worker for platform, can in served.items()} == {"cmpp": "cmpp"}
    assert not any(can.receipt_modes for can in served.values())
