"""Access tokens of providers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.provider_io import Token, token_name
from tests.entrypoints.conftest import KEY, SENDER, Api


@pytest.mark.parametrize(
    "query", ["", "?type=", "?type=sms", "?type=email", "?type=wechatwk_linkedcorp"]
)
def test_a_token_of_another_type_is_refused(configured: Api, query: str) -> None:
    assert configured("GET", f"/v1/token{query}", auth=SENDER).code == 4004


@pytest.mark.parametrize(
    ("kind", "code"),
    [("wechatoa", 1015008), ("wechatmp", 1015009), ("dingtalkcc", 1015012), ("wechatwk", 1019013)],
)
def test_a_token_needs_a_delivery_channel(configured: Api, kind: str, code: int) -> None:
    assert configured("GET", f"/v1/token?type={kind}", auth=SENDER).code == code


@pytest.mark.parametrize("type", ["dingtalkcc", "dingtalk_cc"])
def test_a_token_that_lives_is_shown_with_its_life(configured: Api, type: str) -> None:
    channel = configured.fake.settings.channel("sms1")
    assert channel is not None
    configured.fake.settings.put_channel(
        replace(
            channel, code="ding1", name="ding", type=ChannelType.DINGTALK_CC, platform="dingtalk"
        )
    )
    configured.admin("PUT", f"access-channels/{KEY}/channels/ding1", {"enabled": True})
    now = configured.fake.clock.now()
    configured.fake.tokens.write(
        token_name("ding1", channel.credentials_fingerprint),
        Token("t0ken", now + 7_140_500, now + 7_000_000),
    )
    assert configured("GET", f"/v1/token?type={type}", auth=SENDER).json == {
        "code": 0,
        "token": "t0ken",
        "expires_in": "7140",
        "message": "success",
    }
