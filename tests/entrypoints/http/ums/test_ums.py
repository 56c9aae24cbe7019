"""The UMS v1 contract beyond template messages to user ids: the bodies that UMS prints, and both sides of every limit."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.messages import Message
from chalicelib.domain.provider_io import Token, token_name
from chalicelib.domain.strategies import Step, Strategy
from chalicelib.domain.templates import Template
from tests import printed
from tests.builders import a_user
from tests.entrypoints.conftest import KEY, OPERATOR, OTHER, SENDER, Api, Reply, message

ANDROID = {"platform": "android", "notification": {"android": {"alert": "Hi,JPush !"}}}
SMS = {"temp_id": 1, "temp_para": {"code": "123"}}
SMTP = {
    "name": "Mail",
    "code": "mail1",
    "type": "email",
    "platform": "smtp",
    "credentials": {},
    "options": {"server": "mail.example.com", "encryption": "none", "sender": "a@example.com"},
}


def ordinary(**changes: Any) -> dict[str, Any]:
    body = {"aud_userid": ["user1"], "msg_sms": [SMS], **changes}
    return {name: value for name, value in body.items() if value is not ...}


def stored(api: Api, reply: Reply) -> Message:
    assert reply.status == 200, reply.body
    found = api.world.messages.get(reply.json["msgid"])
    assert found is not None
    return found


def refused(
    api: Api,
    body: Any,
    code: int,
    *mentions: str,
    status: int = 400,
    path: str = "/v1/sent",
    **options: Any,
) -> None:
    reply = api.send(body, path=path, **options)
    assert (reply.status, reply.code) == (status, code), reply.body
    for word in mentions:
        assert word in reply.json["message"]
    assert "queues.send" not in api.fake.log


# ---- what UMS prints; more of it in test_printed.py


@pytest.fixture
def numbered(configured: Api) -> Api:
    """The template and the policy of UMS's examples, by their numbers."""
    settings = configured.fake.settings
    contents = {ChannelType.APP: {"alert": "{{user}} {{url}}"}}
    settings.put_template(Template(10001, 1, KEY, "example", contents, frozenset({"url"})))
    settings.put_strategy(1001, KEY, "example", Strategy((Step((ChannelType.APP,)),)))
    return configured


@pytest.mark.parametrize("path", ["/v1/sent", "/v1/template/sent"])
def test_the_template_message_that_ums_prints(numbered: Api, path: str) -> None:
    reply = numbered.send(raw=printed.TEMPLATE_MESSAGE.encode(), path=path)
    found = stored(numbered, reply)
    assert reply.json == {"code": 0, "msgid": found.msgid, "msgno": found.msgid, "sendno": "test"}
    assert (found.template, found.rule_id, found.owner, found.black_id, found.priority) == (
        (10001, 1),
        1001,
        "admin",
        1234,
        2,
    )
    assert found.app_para == {"platform": "ios", "time_to_live": 9999, "apns_production": True}
    assert found.callback == {
        "url": "https://www.jiguang.cn/ums-portal",
        "params": {"name": "joe", "age": 26},
    }


def test_the_ordinary_message_that_ums_prints(numbered: Api) -> None:
    found = stored(numbered, numbered.send(raw=printed.ORDINARY_MESSAGE.encode(), path="/v1/sent"))
    assert found.contents == {"app1": {"notification": {"android": {"alert": "Hi,JPush !"}}}}
    assert (found.app_para, found.template, found.userids) == (
        {"platform": "android"},
        (0, 0),
        ("user1", "user2"),
    )
    told = numbered("GET", f"/v1/messages/{found.msgid}", auth=SENDER).json
    assert (told["template"], told["rule_id"]) == (None, 1001)


def test_the_registration_ids_that_ums_prints_are_read_for_every_type(configured: Api) -> None:
    from chalicelib.entrypoints.http.schemas.audiences import Audience

    read = Audience.model_validate(json.loads(printed.REGISTRATION_IDS)).targets()["contacts"]
    assert list(read) == list(ChannelType)
    assert read[ChannelType.WECHATWK_LINKEDCORP] == ("CorpId1/userid1", "CorpId2/userid2")


# ---- audiences


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
    "more", [{"aud_sms": [{"data": ["1"]}]}, {"aud_tag": ["t"]}, {"aud_segment": ["1"]}]
)
def test_targets_are_not_mixed(configured: Api, more: dict[str, Any]) -> None:
    refused(configured, ordinary(**more), 1019004)


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
        [{"data": [1]}],
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


# ---- ordinary messages


def test_the_contents_decide_the_channels(configured: Api) -> None:
    found = stored(configured, configured.send(ordinary(msg_app=[ANDROID]), path="/v1/sent"))
    assert set(found.strategy.channels) == {ChannelType.APP, ChannelType.SMS}
    assert found.contents["sms1"] == SMS


def test_a_strategy_has_the_channels_of_the_message(configured: Api) -> None:
    assert configured.send(ordinary(msg_app=[ANDROID], rule_id=1), path="/v1/sent").code == 0
    reply = configured.send(ordinary(rule_id=1), path="/v1/sent")
    assert (reply.status, reply.code) == (400, 1019001)


def test_braces_mean_nothing(configured: Api) -> None:
    body = ordinary(
        msg_sms=..., msg_app=[{"platform": "all", "notification": {"alert": "{{name}}"}}]
    )
    found = stored(configured, configured.send(body, path="/v1/sent"))
    assert found.contents["app1"]["notification"] == {"alert": "{{name}}"}
    assert found.call_sizes["app1"] > 1


def test_braces_do_not_hide_what_is_too_long_or_no_address(configured: Api) -> None:
    for field, elements in (
        ("msg_dingtalk_cc[0].text", [{"text": "{{" + "x" * 497 + "}}"}]),
        (
            "msg_wechatoa[0].url",
            [{"template_id": "t", "data": {"first": {"value": "x"}}, "url": "{{url}}"}],
        ),
        ("msg_email[0].files[0]", [{"subject": "s", "text": "t", "files": ["{{file}}"]}]),
    ):
        refused(
            configured, ordinary(**{"msg_sms": ..., field.partition("[")[0]: elements}), 4004, field
        )


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"msg_sms": ...}, 4004, "msg_"),
        ({"msg_sms": []}, 4004, "msg_sms"),
        ({"msg_sms": [SMS] * 11}, 4004, "msg_sms"),
        ({"msg_sms": SMS}, 4004, "msg_sms"),
        ({"msg_sms": ["x"]}, 4004, "msg_sms[0]"),
        ({"msg_sms": None}, 4004, "msg_"),
        ({"msg_sms": [{"temp_id": "x"}]}, 1015095, "msg_sms[0].temp_id"),
        ({"msg_sms": [{}]}, 1015095, "msg_sms[0].temp_id"),
        ({"msg_sms": [{**SMS, "x": 1}]}, 4004, "msg_sms[0].x"),
        ({"msg_fax": [{}]}, 4004, "msg_fax"),
        ({"msg_wechatwk_linkedcorp": [{}]}, 4004, "msg_wechatwk_linkedcorp"),
        ({"app_para": {}}, 4004, "app_para"),
        ({"msg_app": [{"notification": {"alert": "x"}}]}, 1015084, "msg_app[0].platform"),
        ({"msg_app": [{"platform": "amiga"}]}, 1015085, "msg_app[0].platform"),
        ({"msg_app": [{"platform": "all"}]}, 4004, "msg_app[0].alert"),
        ({"msg_app": [ANDROID, ANDROID]}, 1015085, "msg_app[1].platform"),
        ({"msg_email": [{"subject": "s", "text": "t"}]}, 1015010, "email"),
        ({"template_id": 1}, 1015094, "msg_sms"),
        ({"callback": {"url": "https://x.cn:8443/"}}, 4004, "callback.url"),
        ({"callback": {"url": "https://[::1"}}, 4004, "callback.url"),
        ({"callback": {"url": "https://" + "x" * 2041}}, 4004, "callback.url"),
        ({"callback": {"url": "https://"}}, 4004, "callback.url"),
    ],
)
def test_what_is_wrong_is_named(
    configured: Api, changes: dict[str, Any], code: int, field: str
) -> None:
    refused(configured, ordinary(**changes), code, field)


@pytest.mark.parametrize(
    "url", ["https://x.cn:443/", "http://x.cn:80/a?b=c", "https://" + "x" * 2040]
)
def test_callback_addresses_with_the_usual_port(configured: Api, url: str) -> None:
    assert stored(
        configured, configured.send(ordinary(callback={"url": url}), path="/v1/sent")
    ).callback == {"url": url}


def test_ten_elements_are_alternatives_and_the_channels_platform_takes_the_first_it_can(
    configured: Api,
) -> None:
    elements = [{**SMS, "temp_id": n} for n in range(1, 11)]
    assert (
        stored(configured, configured.send(ordinary(msg_sms=elements), path="/v1/sent")).contents[
            "sms1"
        ]["temp_id"]
        == 1
    )


def test_a_type_without_channel_is_not_authorised(configured: Api) -> None:
    assert (
        configured.admin("PUT", f"access-channels/{KEY}/channels/sms1", {"enabled": False}).status
        == 200
    )
    refused(configured, ordinary(), 1015007)


# ---- once only


def test_the_same_key_and_body_get_the_first_answer_again(configured: Api) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = configured.send(ordinary(option={"sendno": "s"}), path="/v1/sent", headers=key)
    sent = len(configured.fake.queues.sent)
    again = configured.send(
        raw=json.dumps(ordinary(option={"sendno": "s"}), indent=3).encode(),
        path="/v1/sent",
        headers=key,
    )
    assert again.json == first.json
    assert len(configured.fake.queues.sent) == sent
    assert len(configured.fake.messages.stored) == 1


def test_the_same_key_with_another_body_is_refused(configured: Api) -> None:
    key = {"Idempotency-Key": "order-1"}
    assert configured.send(ordinary(), path="/v1/sent", headers=key).code == 0
    for body in (ordinary(aud_userid=["user2"]), ordinary(msg_app=[ANDROID], rule_id=77)):
        reply = configured.send(body, path="/v1/sent", headers=key)
        assert (reply.status, reply.code) == (409, 1019041)


def test_what_was_accepted_stays_so_whatever_is_configured_since(configured: Api) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = configured.send(ordinary(), path="/v1/sent", headers=key)
    configured.admin("PUT", f"access-channels/{KEY}/channels/sms1", {"enabled": False})
    assert configured.send(ordinary(), path="/v1/sent", headers=key).json == first.json


def test_a_key_belongs_to_its_access_channel_and_path(configured: Api) -> None:
    key = {"Idempotency-Key": "order-1"}
    body = message()
    first = configured.send(body, path="/v1/sent", headers=key).json["msgid"]
    assert configured.send(body, path="/v1/template/sent", headers=key).json["msgid"] != first
    assert configured.send(body, path="/v1/sent", headers=key, auth=OTHER).code == 1015031


def test_a_refused_request_leaves_nothing_behind_its_key(configured: Api) -> None:
    key = {"Idempotency-Key": "order-1"}
    assert configured.send(ordinary(rule_id=9), path="/v1/sent", headers=key).code == 1015026
    assert configured.send(ordinary(), path="/v1/sent", headers=key).code == 0


@pytest.mark.parametrize(
    ("key", "good"),
    [("x", True), ("x" * 255, True), ("x" * 256, False), ("a b", False), ("", False), ("é", False)],
)
def test_a_key_has_1_to_255_visible_characters(configured: Api, key: str, good: bool) -> None:
    reply = configured.send(ordinary(), path="/v1/sent", headers={"Idempotency-Key": key})
    assert reply.status == (200 if good else 400)


# ---- withdrawal


def test_a_message_is_withdrawn_once(configured: Api) -> None:
    configured.fake.users.has(a_user("user1", text="13000000000"))
    msgid = configured.send(ordinary(), path="/v1/sent").json["msgid"]
    assert configured("POST", f"/v1/retract/{msgid}", auth=SENDER).json == {
        "code": 0,
        "message": "success",
    }
    again = configured("POST", f"/v1/retract/{msgid}", auth=SENDER)
    assert (again.status, again.code) == (400, 1015055)
    assert "消息已经被撤回" in again.json["message"]
    assert configured("GET", f"/v1/messages/{msgid}", auth=SENDER).json["status"] == "withdrawn"


@pytest.mark.parametrize(
    "msgid",
    [
        "v:1t:1603707455p:27133n:2",
        "v%3A1t%3A1603707455p%3A27133n%3A2",
        "0" * 16,
        "x",
        "%00",
        "%ff",
        "%E5%BC%A0",
    ],
)
def test_a_message_of_nobody_is_not_there(configured: Api, msgid: str) -> None:
    reply = configured("POST", f"/v1/retract/{msgid}", auth=SENDER)
    assert (reply.status, reply.code) == (404, 4004)


def test_another_access_channel_cannot_withdraw(configured: Api) -> None:
    msgid = configured.send(ordinary(), path="/v1/sent").json["msgid"]
    assert configured("POST", f"/v1/retract/{msgid}", auth=OTHER).status == 404
    assert configured.world.messages.withdrawn(msgid) is None


@pytest.mark.parametrize(("hours", "code"), [(24, 0), (24.001, 1019031)])
def test_a_message_can_be_withdrawn_for_a_day(configured: Api, hours: float, code: int) -> None:
    msgid = configured.send(ordinary(), path="/v1/sent").json["msgid"]
    configured.fake.clock.advance(hours * 3600)
    assert configured("POST", f"/v1/retract/{msgid}", auth=SENDER).code == code


# ---- deleting users


def test_users_are_deleted_one_by_one(api: Api) -> None:
    api.fake.users.has(a_user("ann"), a_user("ben"))
    answer = api("POST", "/v1/user/delete", ["ann", "zoe", "b b", 1, "ann"], auth=OPERATOR).json
    assert answer["data"]["success"] == ["ann"]
    assert [(each["userid"], each["errcode"]) for each in answer["data"]["fail"]] == [
        ("b b", "4004"),
        ("", "4004"),
        ("zoe", "1019023"),
    ]
    assert set(api.fake.users.stored) == {"ben"}


def test_a_channel_key_cannot_delete_users(api: Api) -> None:
    reply = api("POST", "/v1/user/delete", ["ann"], auth=SENDER)
    assert (reply.status, reply.code) == (401, 4005)


# ---- attachments

KIND = "multipart/form-data; boundary=xYz"


def form(*parts: tuple[str, bytes, str | None], boundary: str = "xYz") -> bytes:
    lines = b""
    for name, body, filename in parts:
        named = f'; filename="{filename}"' if filename is not None else ""
        lines += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode()
            + body
            + b"\r\n"
        )
    return lines + f"--{boundary}--\r\n".encode()


def post_form(api: Api, raw: bytes, kind: str = KIND, auth: str = SENDER) -> Reply:
    return api("POST", "/v1/material", raw=raw, auth=auth, headers={"Content-Type": kind})


FILE = ("file", b"%PDF \x00\xff\r\n--xY", "报告.pdf")


def test_an_attachment_is_kept_and_works_in_mails_of_its_sender(configured: Api) -> None:
    reply = post_form(
        configured, form(("type", b"attachment", None), FILE, ("time_to_live", b"168", None))
    )
    assert reply.status == 200, reply.body
    assert list(configured.fake.files.stored.values()) == [FILE[1]]
    configured.admin("POST", "channels", SMTP)
    configured.admin("PUT", f"access-channels/{KEY}/channels/mail1", {"enabled": True})
    mail = {"subject": "s", "text": "t", "files": [reply.json["url"], "https://example.com/a.pdf"]}
    assert configured.send(ordinary(msg_sms=..., msg_email=[mail]), path="/v1/sent").code == 0
    mail["files"][0] += "x"
    wrong = configured.send(ordinary(msg_sms=..., msg_email=[mail]), path="/v1/sent")
    assert (wrong.code, "msg_email.files[0]" in wrong.json["message"]) == (4004, True)


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        ("=?utf-8?B?5oql5ZGKLnBkZg==?=", "%E6%8A%A5%E5%91%8A.pdf"),
        ("=?gb2312?B?sai45i5wZGY=?=", "%E6%8A%A5%E5%91%8A.pdf"),
        ("=?x?B?5oql?=", "%3D_x_B_5oql_%3D"),
        ("=?utf-8?B?5?=", "%3D_utf-8_B_5_%3D"),
        ("=?utf-8?B?gA==?=", "%3D_utf-8_B_gA"),
        ("a=?utf-8?B?5oql?=", "a%3D_utf-8_B_5oql_%3D"),
        ("=?utf-8?B?Li4vYS5wZGY=?=", "a.pdf"),
    ],
)
def test_a_file_name_may_be_an_encoded_word_as_dotnet_writes_it(
    configured: Api, filename: str, shown: str
) -> None:
    url = post_form(configured, form(("file", b"x", filename))).json["url"]
    assert url.rpartition("/")[2].startswith(shown), url


@pytest.mark.parametrize(
    ("hours", "status"),
    [
        (b"1", 200),
        (b"168", 200),
        (b"0", 400),
        (b"169", 400),
        (b"x", 400),
        (b"", 400),
        (b"1.5", 400),
    ],
)
def test_an_attachment_lives_1_to_168_hours(configured: Api, hours: bytes, status: int) -> None:
    assert post_form(configured, form(FILE, ("time_to_live", hours, None))).status == status


@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        (form(FILE), "multipart/form-data", 415),
        (form(FILE), "application/json", 415),
        (form(FILE), "multipart/form-data; boundary=", 415),
        (form(FILE), "multipart/form-data; boundary=" + "x" * 71, 415),
        (form(FILE), "multipart/form-data; boundary=other", 400),
        (form(FILE)[:-6], KIND, 400),
        (b"", KIND, 400),
        (form(), KIND, 400),
        (form(("file", b"", "a")), KIND, 400),
        (form(FILE, FILE), KIND, 400),
        (form(FILE, ("type", b"image", None)), KIND, 400),
        (form(FILE, ("x", b"1", None)), KIND, 400),
        (form(FILE, ("type", b"attachment", None), ("type", b"attachment", None)), KIND, 400),
        (form(*[("x", b"1", None)] * 11), KIND, 400),
        (form(("file", b"x", "a" * 5000)), KIND, 400),
        (b"--xYz\r\n" + b"a: b\r\n" * 2000 + b"\r\nx\r\n--xYz--\r\n", KIND, 400),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(
    configured: Api, raw: bytes, kind: str, status: int
) -> None:
    reply = post_form(configured, raw, kind)
    assert reply.status == status, reply.body
    assert reply.code == 4004
    assert not configured.fake.files.stored


def test_a_form_that_lambda_could_not_take_names_the_other_way(configured: Api) -> None:
    size = 4_400_000 - len(form(("file", b"", "a")))
    assert post_form(configured, form(("file", b"x" * size, "a"))).status == 200
    reply = post_form(configured, form(("file", b"x" * (size + 1), "a")))
    assert (reply.status, reply.code) == (413, 1019051)
    assert "/v1/material/upload" in reply.json["message"]


def test_a_larger_attachment_is_uploaded_with_a_form(configured: Api) -> None:
    answer = configured(
        "POST", "/v1/material/upload", {"name": "a.pdf", "time_to_live": 1}, auth=SENDER
    ).json
    assert answer["url"].endswith("/a.pdf")
    assert answer["upload"]["max_bytes"] == 10_000_000
    assert answer["upload"]["fields"]["key"].startswith("materials/email/")
    for body in (
        {},
        {"name": ""},
        {"name": "x" * 256},
        {"name": "a", "time_to_live": 169},
        {"name": "a", "time_to_live": "1"},
        [],
    ):
        assert configured("POST", "/v1/material/upload", body, auth=SENDER).code == 4004


# ---- tokens


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
        replace(channel, code="ding1", name="ding", type=ChannelType.DINGTALK_CC)
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


# ---- limits of requests


def test_every_answer_to_an_access_channel_says_what_is_left(configured: Api) -> None:
    for reply in (
        configured.send(ordinary(), path="/v1/sent"),
        configured.send({}, path="/v1/sent"),
        configured.users([]),
    ):
        names = {name.lower() for name in reply.headers}
        assert {
            f"x-rate-limit-{name}" for name in ("limit", "quota", "remaining", "reset")
        } <= names
    assert not [
        name
        for name in configured.users([], auth=OPERATOR).headers
        if name.lower().startswith("x-rate")
    ]


def test_who_asks_too_often_is_told_when_to_come_back(configured: Api) -> None:
    limits = replace(configured.world.limits, requests_per_second=3)
    configured.world = replace(
        configured.world, limits=limits, counters=type(configured.fake.counters)(configured.fake)
    )
    wiring.use(configured.world)
    codes = [configured.send(ordinary(), path="/v1/sent").code for _ in range(5)]
    assert codes == [0, 0, 0, 1015030, 1015030]
    refused = configured.send(ordinary(), path="/v1/sent")
    assert (
        refused.status,
        refused.headers["Retry-After"],
        refused.headers["X-Rate-Limit-Remaining"],
    ) == (429, "1", "0")
    assert configured.send(ordinary(), path="/v1/sent", auth=OTHER).status == 400
    configured.fake.clock.advance(1)
    assert configured.send(ordinary(), path="/v1/sent").code == 0
