"""What platforms can do: the page says what capabilities say, and they what is documented of each channel type."""

from __future__ import annotations

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.provider_io import ClickReport, DeliveryReport
from chalicelib.providers import registry
from infra import support_matrix

REAL, ACCEPTED = DeliveryReport.REAL, DeliveryReport.ACCEPTED
PROVIDER, LINK, NO = ClickReport.PROVIDER, ClickReport.LINK, ClickReport.NONE

# "Whether each channel supports detection of delivery and click status" (UMS) and "Channel receipt guide" (Operation Growth):
# delivery and clicks by channel type. Where the platforms of a type differ, by platform.
DOCUMENTED = {
    ChannelType.APP: (REAL, PROVIDER),  # "actual delivery to the mobile phone", "actual click"
    ChannelType.WECHATOA: (
        REAL,
        LINK,
    ),  # clicks "when jump links are configured", not of jumps to mini-programs
    ChannelType.SMS: (REAL, LINK),  # clicks where "the text contains url variables"
    ChannelType.EMAIL: (
        ACCEPTED,
        LINK,
    ),  # "when the receiving server returns a successful reception"
    ChannelType.ALIPAY_LIFE: (
        ACCEPTED,
        LINK,
    ),  # "cannot detect whether it is actually delivered"; "must fill in the jump link"
    ChannelType.DINGTALK_CC: (REAL, LINK),  # "real delivery"; clicks "only for card messages"
    ChannelType.WECHATWK: (
        ACCEPTED,
        LINK,
    ),  # "only whether sending to the server is successful"; clicks of what has a link
    # Not in either table. It is the same server with fewer types of messages, and has no cards whose buttons it could report.
    ChannelType.WECHATWK_LINKEDCORP: (ACCEPTED, LINK),
}
# "Created by secret: delivered when the request is successful." By QR code nothing is to be configured for receipts, which come to the
# third-party platform. Clicks: "not supported".
DOCUMENTED_OF_PLATFORMS = {"wechatmp": (ACCEPTED, NO), "wechatmp_component": (REAL, NO)}


@pytest.mark.parametrize(("platform", "able"), registry.capabilities().items())
def test_a_platform_reports_what_is_documented_of_its_channel_type(
    platform: str, able: registry.Capabilities
) -> None:
    documented = DOCUMENTED_OF_PLATFORMS.get(platform) or DOCUMENTED[able.type]
    assert (able.delivery_report, able.click_report) == documented


def test_every_channel_type_is_delivered_on() -> None:
    assert {able.type for able in registry.capabilities().values()} == set(ChannelType)


def test_the_page_says_what_the_capabilities_say() -> None:
    page = support_matrix.PAGE.read_text()
    assert page == support_matrix.written(page), "run: python -m infra.support_matrix"


def test_a_platform_whose_receipts_are_real_has_a_way_for_them() -> None:
    real = [able for able in registry.capabilities().values() if able.delivery_report is REAL]
    assert all(able.receipt_modes or able.worker for able in real)
