"""Events of a third-party platform."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import Unverified
from chalicelib.domain.provider_io import Token
from chalicelib.providers.wechat import component
from tests.providers.wechat.posts import AUTHORISED, FINISHED, NOW, PLATFORM, SAFE, read

TOLD = {
    "AppId": "wxc",
    "CreateTime": "1700000000",
    "InfoType": "component_verify_ticket",
    "ComponentVerifyTicket": "ticket@@@1",
}


def test_the_ticket_is_kept_for_who_sends() -> None:
    webhook = read(TOLD, PLATFORM)
    half_a_day = NOW + 12 * 3600_000
    assert webhook.kept == {
        component.ticket_name("wxc"): Token("ticket@@@1", half_a_day, half_a_day)
    }
    assert (webhook.reply, webhook.receipts) == ("success", ())


@pytest.mark.parametrize("kind", ["authorized", "updateauthorized"])
def test_the_code_of_an_authorisation_is_kept_for_an_hour_at_most(kind: str) -> None:
    name = component.code_name("wxc", "wx9")
    assert read({**AUTHORISED, "InfoType": kind}, PLATFORM).kept[name].expires == NOW + 1800_000
    for far in ("9999999999", "", "soon"):
        assert (
            read({**AUTHORISED, "InfoType": kind, "AuthorizationCodeExpiredTime": far}, PLATFORM)
            .kept[name]
            .expires
            == NOW + 3600_000
        )


def test_an_authorisation_is_of_this_channel_or_of_the_one_with_the_accounts_appid() -> None:
    assert read(AUTHORISED, PLATFORM).authorised == "wx9"
    assert read({**AUTHORISED, "AuthorizerAppid": "wx1"}, PLATFORM).authorised == ""
    assert (
        read({**AUTHORISED, "AuthorizerAppid": "wx_9"}, PLATFORM).authorised is None
    )  # no channel has such a code
    for event in (
        TOLD,
        {**AUTHORISED, "InfoType": "unauthorized"},
        {**AUTHORISED, "AuthorizationCode": ""},
        FINISHED,
    ):
        assert read(event, PLATFORM).authorised is None


@pytest.mark.parametrize(
    "change",
    [
        {"InfoType": "unauthorized"},
        {"InfoType": "notify_third_fasteregister"},
        {"AuthorizationCode": ""},
    ],
)
def test_what_else_a_platform_is_told_keeps_nothing(change: dict[str, str]) -> None:
    webhook = read({**AUTHORISED, **change}, PLATFORM)
    assert (webhook.kept, webhook.reply) == ({}, "success")


def test_another_platforms_ticket_is_not_believed_and_an_accounts_own_post_brings_none() -> None:
    with pytest.raises(Unverified):
        read({**TOLD, "AppId": "wxother"}, PLATFORM)
    assert read(TOLD, SAFE).kept == {}


def test_an_event_of_another_account_is_for_the_channel_with_its_appid() -> None:
    webhook = read(FINISHED, PLATFORM, appid="wx9")
    assert (webhook.channel, webhook.reply, list(webhook.receipts)) == ("wx9", "success", [])
    for own in ({}, {"appid": "wx1"}, {"appid": "$APPID$"}, {"appid": "x" * 33}):
        assert len(read(FINISHED, PLATFORM, **own).receipts) == 1
    assert read(FINISHED, SAFE, appid="wx9").channel == ""
