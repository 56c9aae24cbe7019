"""Delivery channels that reach people although the deployment has a sandbox, by platform."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS
from chalicelib.providers import registry
from chalicelib.reports import sandbox
from tests.builders import a_channel
from tests.entrypoints.conftest import RealProviders
from tests.fakes.sandbox import URL
from tests.fakes.world import FakeWorld

PLATFORMS = registry.capabilities()
THERE = {"base_url": f"{URL}/vendor", "server": "127.0.0.1"}
ELSEWHERE = {"base_url": "https://vendor.example", "server": "mail.vendor.example"}


def is_real(platform: str, options: dict[str, Any]) -> bool:
    """Tell if the console would warn of a channel of a platform with such options."""
    fake = FakeWorld()
    fake.sandbox.url = URL
    kind = PLATFORMS[platform].type if platform in PLATFORMS else PLATFORMS["jsms"].type
    channel = replace(a_channel("c", kind), platform=platform, options=options)
    fake.records.of(DELIVERY_CHANNELS).put(channel)
    return bool(sandbox.real_channels(replace(fake.ports, providers=RealProviders())))


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_a_channel_leads_there_by_the_address_that_it_sends_to(platform: str) -> None:
    can = PLATFORMS[platform]
    assert can.address in can.options
    addresses = {name for name in can.options if name.endswith(("url", "server", "host"))}
    assert addresses - {"report_url"} == {can.address}  # receipts alone are asked for there
    assert not is_real(platform, {can.address: THERE[can.address]})
    assert is_real(platform, {can.address: ELSEWHERE[can.address]})
    assert is_real(platform, {})


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_no_other_option_leads_there(platform: str) -> None:
    can = PLATFORMS[platform]
    for name in {*can.options, "base_url", "server"} - {can.address}:
        for text in (URL, "127.0.0.1"):
            assert is_real(platform, {name: text}), name
            assert is_real(platform, {name: text, can.address: ELSEWHERE[can.address]}), name


def test_a_channel_of_a_platform_that_is_gone_leads_nowhere_known() -> None:
    assert is_real("gone", {"base_url": URL})
