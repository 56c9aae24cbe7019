"""The platforms' capabilities agree with the documented ones, and the page with them."""

from __future__ import annotations

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.provider_io import ClickReport, DeliveryReport
from chalicelib.providers import registry
from infra import support_matrix

REAL, ACCEPTED = DeliveryReport.REAL, DeliveryReport.ACCEPTED
PROVIDER, LINK, NO = ClickReport.PROVIDER, ClickReport.LINK, ClickReport.NONE

# Delivery and clicks by channel type. Sources: "Whether each channel supports detection of
# delivery and click status" (UMS), "Channel receipt guide" (Operation Growth).
DOCUMENTED = {
    # Reports of "actual delivery to the mobile phone" and "actual click".
    ChannelType.APP: (REAL, PROVIDER),
    # Clicks "when jump links are configured", not of jumps to mini-programs.
    ChannelType.WECHATOA: (REAL, LINK),
    # Clicks if "the text contains url variables".
    ChannelType.SMS: (REAL, LINK),
    # Delivered "when the receiving server returns a successful reception".
    ChannelType.EMAIL: (ACCEPTED, LINK),
    # It "cannot detect whether it is actually delivered". Clicks "must fill in the jump link".
    ChannelType.ALIPAY_LIFE: (ACCEPTED, LINK),
    # It is a "real delivery", with clicks "only for card messages".
    ChannelType.DINGTALK_CC: (REAL, LINK),
    # Reports "only whether sending to the server is successful", and clicks of links.
    ChannelType.WECHATWK: (ACCEPTED, LINK),
    # Not in either table. WeCom's server has fewer message types for it, without reporting cards.
    ChannelType.WECHATWK_LINKEDCORP: (ACCEPTED, LINK),
}
# Platforms that differ from their type. Their clicks are "not supported".
# Of wechatmp: "Created by secret: delivered when the request is successful."
# With a QR code, receipts come to the third-party platform.
# SES hears of the receiving server's reception, and reports it.
DOCUMENTED_OF_PLATFORMS = {
    "wechatmp": (ACCEPTED, NO),
    "wechatmp_component": (REAL, NO),
    "ses": (REAL, LINK),
}


@pytest.mark.parametrize(("platform", "capabilities"), registry.capabilities().items())
def test_a_platform_reports_what_is_documented_of_its_channel_type(
    platform: str, capabilities: registry.Capabilities
) -> None:
    documented = DOCUMENTED_OF_PLATFORMS.get(platform) or DOCUMENTED[capabilities.type]
    assert (capabilities.delivery_report, capabilities.click_report) == documented


def test_every_channel_type_is_delivered_on() -> None:
    assert {capabilities.type for capabilities in registry.capabilities().values()} == set(
        ChannelType
    )


def test_the_page_says_what_the_capabilities_say() -> None:
    page = support_matrix.PAGE.read_text()
    assert page == support_matrix.written(page), "run: python -m infra.support_matrix"


def test_a_platform_whose_receipts_are_real_has_a_way_for_them() -> None:
    real = [
        capabilities
        for capabilities in registry.capabilities().values()
        if capabilities.delivery_report is REAL
    ]
    assert all(capabilities.receipt_modes or capabilities.worker for capabilities in real)
