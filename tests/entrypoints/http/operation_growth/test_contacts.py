"""Contacts under labels in Operation Growth's interface."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, ChannelType
from tests.entrypoints.conftest import KEY, OTHER, SENDER, Api, message
from tests.entrypoints.http.operation_growth.contacts import (
    APP_ID,
    REGISTRATION,
    SMS_ID,
    item,
    labels_of,
    put,
)


def test_contacts_are_set_under_labels_for_several_users_channels_and_labels(growth: Api) -> None:
    both = {"默认联系": "13700000000", "工作电话": "18800000000"}
    devices = {"默认联系": REGISTRATION, "Work Phone": "191e35f7e155cce07ba"}
    first = {
        "cuid": 10362819,
        "channels": [
            {"id": SMS_ID, "channelValues": both},
            {"id": APP_ID, "channelValues": devices},
        ],
    }
    reply = put(growth, first, item(103629, SMS_ID, 默认联系="15088888888"))
    assert (reply.status, reply.json) == (200, {"code": 0, "msg": "ok"})
    assert labels_of(growth, 10362819) == {
        ChannelType.SMS: {"sms1": {"1": "13700000000", "2": "18800000000"}},
        ChannelType.APP: {"app1": {"1": REGISTRATION, "2": "191e35f7e155cce07ba"}},
    }
    assert labels_of(growth) == {ChannelType.SMS: {"sms1": {"1": "15088888888"}}}


def test_the_english_name_of_the_first_label_is_known(growth: Api) -> None:
    assert put(growth, item(103629, SMS_ID, **{"Default Contact": "15088888888"})).json["code"] == 0
    assert labels_of(growth) == {ChannelType.SMS: {"sms1": {"1": "15088888888"}}}


def test_it_stays_the_same_label_when_another_one_is_the_default(growth: Api) -> None:
    channel = growth.fake.records.of(DELIVERY_CHANNELS).stored["sms1"]
    for first, names in (("默认联系", ("Default Contact", "默认联系")), ("Home", ("Home",))):
        growth.fake.records.of(DELIVERY_CHANNELS).stored["sms1"] = replace(
            channel, labels={**channel.labels, "1": first}, default_label="2"
        )
        for n, name in enumerate(names):
            assert put(growth, item(103629, SMS_ID, **{name: f"1508888888{n}"})).json["code"] == 0
            assert labels_of(growth) == {ChannelType.SMS: {"sms1": {"1": f"1508888888{n}"}}}
    assert (
        put(growth, item(103629, SMS_ID, **{"Default Contact": "15088888888"})).json["code"] == 4107
    )


def test_an_interface_is_no_way_around_a_smaller_limit(growth: Api) -> None:
    assert (
        growth.admin(
            "PATCH", f"access-channels/{KEY}", {"rate": 2}, headers={"If-Match": "*"}
        ).status
        == 200
    )
    codes = [
        put(growth, item(103629, SMS_ID, 默认联系="15088888888")).json["code"] for _ in range(3)
    ]
    assert codes == [0, 0, 1015030]


def test_each_interface_takes_100_requests_a_second(growth: Api) -> None:
    """The first request of a second is not counted at once, and in this test the second lasts."""
    codes = [
        put(growth, item(103629, SMS_ID, 默认联系="15088888888")).json["code"] for _ in range(101)
    ]
    assert (codes[:100], codes[100]) == ([0] * 100, 1015030)
    refused = put(growth, item(103629, SMS_ID, 默认联系="15088888888"))
    assert (
        refused.status,
        refused.headers["X-Rate-Limit-Limit"],
        refused.headers["Retry-After"],
    ) == (429, "100", "1")
    assert (
        growth(
            "PUT",
            "/smartop/api/v1/user/attribute",
            {"cuid": 103629, "data": {"city": "深圳"}},
            auth=SENDER,
        ).json["code"]
        == 0
    )
    growth.fake.clock.advance(1)
    assert put(growth, item(103629, SMS_ID, 默认联系="15088888888")).json["code"] == 0


def test_a_channel_of_others_does_not_exist(growth: Api) -> None:
    assert (
        put(growth, item(103629, SMS_ID, 默认联系="15088888888"), auth=OTHER).json["code"] == 4107
    )


def test_an_empty_contact_takes_away_what_is_there(growth: Api) -> None:
    put(growth, item(103629, SMS_ID, 默认联系="15088888888", 工作电话="15099999999"))
    assert put(growth, item(103629, SMS_ID, 默认联系="")).json["code"] == 0
    assert labels_of(growth) == {ChannelType.SMS: {"sms1": {"2": "15099999999"}}}


def test_a_message_goes_to_the_contact_under_the_label_that_it_names(growth: Api) -> None:
    put(growth, item(103629, SMS_ID, 默认联系="15088888888", 工作电话="15099999999"))
    for option, contact in (
        ({}, "15088888888"),
        ({"label": "工作电话"}, "15099999999"),
        ({"label": "nowhere"}, "15088888888"),
    ):
        reply = growth.send(message(aud_userid=["103629"], option=option))
        plan = growth.plan(reply.json["msgid"])
        assert plan.contacts[0]["sms1"] == (contact,)
