"""Audiences of UMS: users, tags, segments and registration ids."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import ChannelType
from tests.builders import a_user
from tests.entrypoints.conftest import KEY, Api, message
from tests.entrypoints.http.ums.sends import ANDROID, SMS, ordinary, refused, stored


@pytest.mark.parametrize(("count", "good"), [(1, True), (20, True), (0, False), (21, False)])
def test_one_to_20_tags(configured: Api, count: int, good: bool) -> None:
    body = ordinary(aud_userid=..., aud_tag=[f"tag{n}" for n in range(count)])
    if good:
        assert (
            stored(configured, configured.send(body, path="/v1/sent")).audience.kind
            is AudienceKind.SETS
        )
    else:
        refused(configured, body, 4004, "aud_tag")


@pytest.mark.parametrize(
    ("tag", "good"),
    [
        ("x" * 40, True),
        ("标" * 13, True),
        ("@!#$&*+=.|¥￥", True),
        ("x" * 41, False),
        ("标" * 14, False),
        ("a b", False),
        ("", False),
    ],
)
def test_tags_of_40_bytes(configured: Api, tag: str, good: bool) -> None:
    body = ordinary(aud_userid=..., aud_tag=[tag])
    assert configured.send(body, path="/v1/sent").status == (200 if good else 400)


def test_a_tag_is_that_of_the_channel_key_before_that_of_all(configured: Api) -> None:
    configured.fake.users.has(
        replace(a_user("own"), tags={KEY: ("vip",)}), a_user("any", tags=["vip", "old"])
    )
    found = stored(
        configured,
        configured.send(ordinary(aud_userid=..., aud_tag=["vip", "old"]), path="/v1/sent"),
    )
    assert found.audience.sets == (f"tag#{KEY}#vip", "tag#all#old")


@pytest.mark.parametrize(
    ("segment", "good"),
    [
        (["1000"], True),
        ([1000], True),
        (["1", "2"], False),
        ([], False),
        (["x"], False),
        ("1000", False),
    ],
)
def test_one_segment(configured: Api, segment: Any, good: bool) -> None:
    body = ordinary(aud_userid=..., aud_segment=segment)
    if good:
        assert stored(configured, configured.send(body, path="/v1/sent")).audience.sets == (
            "segment#001000",
        )
    else:
        refused(configured, body, 4004, "aud_segment")


@pytest.mark.parametrize(
    ("path", "template"),
    [("/v1/broadcast", False), ("/v1/broadcast", True), ("/v1/template/broadcast", True)],
)
def test_everyone(configured: Api, path: str, template: bool) -> None:
    body = message(aud_userid=...) if template else ordinary(aud_userid=...)
    assert (
        stored(configured, configured.send(body, path=path)).audience.kind is AudienceKind.EVERYONE
    )
    refused_body = {**body, "aud_tag": ["x"]}
    reply = configured.send(refused_body, path=path)
    assert (reply.status, reply.code) == (400, 4004)
    assert "aud_tag" in reply.json["message"]


def test_everybody_else_needs_to_be_named(configured: Api) -> None:
    refused(configured, ordinary(aud_userid=...), 4004, "aud_userid")
    refused(configured, message(aud_userid=...), 4004, "aud_userid", path="/v1/template/sent")


@pytest.mark.parametrize(
    "users", [{"aud_userid": ["u"]}, {"aud_tag": ["t"]}, {"aud_segment": ["1"]}]
)
def test_users_and_registration_ids_are_not_mixed(configured: Api, users: dict[str, Any]) -> None:
    body = {**ordinary(aud_userid=..., aud_sms=[{"data": ["1"]}]), **users}
    refused(configured, body, 1019004)


def test_users_tags_and_a_segment_are_one_audience(configured: Api) -> None:
    body = ordinary(aud_userid=["ann"], aud_tag=["vip", "vip"], aud_segment=["1000"])
    sent = stored(configured, configured.send(body, path="/v1/sent"))
    assert sent.audience.kind is AudienceKind.SETS
    assert sent.audience.sets == ("tag#all#vip", "segment#001000")
    assert sent.userids == ("ann",)


def test_registration_ids_may_be_numbers(configured: Api) -> None:
    number, text = (
        configured.send(ordinary(aud_userid=..., aud_sms=[{"data": data}]), path="/v1/sent")
        for data in ([13800001111], ["13800001111"])
    )
    assert stored(configured, number).userids == stored(configured, text).userids


def groups(count: int, per: int = 500) -> list[dict[str, Any]]:
    ids = [f"{13000000000 + n}" for n in range(count)]
    return [{"instance": "sms", "data": ids[n : n + per]} for n in range(0, count, per)]


@pytest.mark.parametrize(("count", "good"), [(1, True), (1000, True), (1001, False)])
def test_1000_registration_ids_of_a_type(configured: Api, count: int, good: bool) -> None:
    body = ordinary(aud_userid=..., aud_sms=groups(count))
    if good:
        assert len(stored(configured, configured.send(body, path="/v1/sent")).userids) == count
    else:
        refused(configured, body, 4004, "aud_sms")


@pytest.mark.parametrize(
    "audience",
    [
        [],
        {},
        "13000000000",
        ["13000000000"],
        [{}],
        [{"data": []}],
        [{"data": [1.5]}],
        [{"data": [-1]}],
        [{"data": [True]}],
        [{"data": [""]}],
        [{"data": [" "]}],
        [{"data": ["a b"]}],
        [{"data": ["x" * 257]}],
        [{"data": ["1"], "x": 1}],
        [{"data": ["1"], "instance": 1}],
        None,
    ],
)
def test_registration_ids_of_another_shape_are_refused(configured: Api, audience: Any) -> None:
    body = ordinary(aud_userid=..., aud_sms=audience)
    refused(configured, body, 4004, "aud_sms" if audience is not None else "aud_")


def test_registration_ids_are_trimmed_as_contacts_of_users_are(configured: Api) -> None:
    blank, clean = (
        stored(
            configured,
            configured.send(ordinary(aud_userid=..., aud_sms=[{"data": data}]), path="/v1/sent"),
        )
        for data in (
            ["13800000001 ", "\t13800000001", "13800000002\r\n"],
            ["13800000001", "13800000002"],
        )
    )
    assert blank.userids == clean.userids


def test_several_types_at_once_and_each_with_its_content(configured: Api) -> None:
    body = {
        "aud_app": [{"data": ["r1", "r2"]}],
        "aud_sms": [{"data": ["1"]}],
        "msg_app": [ANDROID],
        "msg_sms": [SMS],
    }
    found = stored(configured, configured.send({**body, "rule_id": 9}, path="/v1/sent"))
    assert len(found.userids) == 3
    assert set(found.contents) == {"app1", "sms1"}
    refused_without = [({**body, "msg_app": ...}, "aud_app"), ({**body, "aud_app": ...}, "msg_app")]
    for changed, field in refused_without:
        reply = configured.send(
            {name: value for name, value in changed.items() if value is not ...}, path="/v1/sent"
        )
        assert (reply.status, reply.code) == (400, 1019003)
        assert field in reply.json["message"]


def test_a_template_goes_to_the_registration_ids_of_its_types(configured: Api) -> None:
    body = message(aud_userid=..., aud_sms=[{"data": ["13000000000"]}])
    found = stored(configured, configured.send(body))
    assert found.strategy.channels == (ChannelType.SMS,)
    refused_body = message(aud_userid=..., aud_email=[{"data": ["a@b.cn"]}])
    assert configured.send(refused_body).code == 1019003


def test_both_spellings_are_read(configured: Api) -> None:
    for kind, code in (
        ("alipaylife", 1015011),
        ("alipay_life", 1015011),
        ("dingtalkcc", 1015012),
        ("dingtalk_cc", 1015012),
    ):
        reply = configured.send(
            {f"aud_{kind}": [{"data": ["1"]}], f"msg_{kind}": [{"x": 1}]}, path="/v1/sent"
        )
        assert reply.status == 400
        assert reply.code in (code, 4004), reply.body
