"""Third-party templates and signatures by the management API."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.jobs import QueryJob
from chalicelib.domain.third_party import REGISTERED, Family, Field, Registered, Review, Sort
from chalicelib.flow import third_party
from tests.entrypoints.conftest import JSMS, KEY, Api
from tests.fakes.world import FakeWorld

WECHAT = {
    "name": "WeChat",
    "code": "wx1",
    "type": "wechatoa",
    "platform": "wechatoa",
    "credentials": {"app_id": "wx1", "app_secret": "the secret of wechat"},
}
TEXT = {"text": "您的验证码是{{code}}，2分钟内有效。", "category": "verification", "seconds": 120}
CODE = (Field("code"),)


@pytest.fixture
def channels(configured: Api) -> Api:
    assert configured.admin("POST", "channels", WECHAT).status == 201
    path = f"access-channels/{KEY}/channels/wx1"
    assert configured.admin("PUT", path, {"enabled": True}).status == 200
    return configured


def kept(fake: FakeWorld, id: str = "7", **changes: Any) -> Registered:
    """Keep a text of the SMS channel, as a delivery function does."""
    channel = fake.settings.channel(changes.pop("code", "sms1"))
    assert channel is not None
    fields = {
        "sort": Sort.TEXT,
        "title": "Code",
        "text": "Code {{code}}",
        "fields": CODE,
        **changes,
    }
    account = channel.credentials_fingerprint
    registered = Registered(channel.code, id, account=account, **fields)
    fake.records.of(REGISTERED[registered.sort.family]).put(registered)
    return registered


def orders(fake: FakeWorld) -> list[third_party.Order]:
    jobs = [envelope.job for envelope in fake.queues.sent]
    ids = [job.id for job in jobs if isinstance(job, QueryJob)]
    return [order for id in ids if (order := third_party._read(fake.ports, id))]


def listed(api: Api, path: str = "channels/sms1/templates") -> list[Any]:
    answer = api.admin("GET", path)
    assert answer.status == 200
    return list(answer.json[path.rpartition("/")[2]])


def test_templates_are_listed_with_their_states_and_what_can_be_done(
    channels: Api, fake: FakeWorld
) -> None:
    kept(fake)
    kept(fake, "8", is_invalid=True)
    kept(fake, "9", review=Review.REFUSED, reason="spam")
    answer = channels.admin("GET", "channels/sms1/templates").json
    states = [(each["id"], each["state"], each["review"]) for each in answer["templates"]]
    assert states == [
        ("7", "normal", "approved"),
        ("8", "invalid", "approved"),
        ("9", "normal", "refused"),
    ]
    assert answer["actions"] == ["change", "create", "delete", "import", "refresh"]
    assert channels.admin("GET", "channels/wx1/templates").json["actions"] == [
        "choose",
        "enter",
        "keywords",
        "refresh",
        "sync",
    ]
    page = channels.admin("GET", "channels/sms1/templates?limit=2").json
    assert [each["id"] for each in page["templates"]] == ["7", "8"]
    rest = channels.admin("GET", f"channels/sms1/templates?cursor={page['cursor']}").json
    assert [each["id"] for each in rest["templates"]] == ["9"]


def test_fields_are_shown_with_the_rules_of_their_kinds(channels: Api, fake: FakeWorld) -> None:
    entered = {"id": "tpl1", "title": "Order", "text": "Order: {{thing1.DATA}}"}
    assert channels.admin("POST", "channels/wx1/templates/import", entered).json["made"] == "tpl1"
    answer = channels.admin("GET", "channels/wx1/templates/tpl1")
    assert answer.json["fields"] == [
        {
            "name": "thing1",
            "label": "Order",
            "kind": "thing",
            "limit": 20,
            "rule": "any text",
            "allowed": [],
        }
    ]
    assert answer.json["entered"]
    assert answer.headers["ETag"] == '"1"'


@pytest.mark.parametrize(
    ("method", "path", "body", "action"),
    [
        ("POST", "channels/sms1/templates", TEXT, "create"),
        ("POST", "channels/sms1/templates/import", {"id": "37582"}, "import"),
        ("POST", "channels/sms1/templates/refresh", None, "refresh"),
        ("POST", "channels/sms1/signatures", {"text": "极光推送", "type": 1}, "create"),
        ("POST", "channels/sms1/signatures/import", {"id": "3"}, "import"),
        ("POST", "channels/sms1/signatures/refresh", None, "refresh"),
        ("POST", "channels/wx1/library/sync", None, "sync"),
        ("POST", "channels/wx1/library/99/keywords", None, "keywords"),
        ("POST", "channels/wx1/library/99/choose", {"keywords": [1, 2]}, "choose"),
        ("DELETE", "channels/sms1/templates/7", None, "delete"),
    ],
)
def test_a_provider_that_is_slow_is_asked_and_answers_later(
    channels: Api, fake: FakeWorld, method: str, path: str, body: Any, action: str
) -> None:
    kept(fake)
    answer = channels.admin(method, path, body)
    assert (answer.status, answer.json["status"], answer.json["made"]) == (202, "pending", None)
    assert [order.action.value for order in orders(fake)] == [action]
    assert channels.admin("GET", f"checks/{answer.json['check_id']}").status == 202


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("channels/sms1/templates", {**TEXT, "text": "{{code}} {{name}}"}, "text"),
        ("channels/sms1/templates", {**TEXT, "seconds": 0}, "seconds"),
        ("channels/sms1/templates", {"text": "【x】hi", "category": "notice"}, "text"),
        ("channels/sms1/templates", {"text": "{{url}}", "category": "marketing"}, "remark"),
        ("channels/sms1/templates", {"text": "x", "category": "spam"}, "category"),
        ("channels/sms1/templates", {"text": "x" * 501, "category": "notice"}, "text"),
        ("channels/sms1/signatures", {"text": "x"}, "text"),
        ("channels/sms1/signatures", {"text": "【极光】"}, "text"),
        ("channels/sms1/templates/import", {"id": "7", "title": "x", "text": "y"}, "code"),
        ("channels/sms1/templates/import", {"id": "a b"}, "id"),
        ("channels/wx1/templates", TEXT, "kind"),
        ("channels/wx1/templates/import", {"id": "7"}, "code"),
        ("channels/wx1/signatures", {"text": "极光推送"}, "kind"),
        ("channels/wx1/library/99/choose", {"keywords": []}, "keywords"),
        ("channels/sms1/library/sync", None, "code"),
        ("channels/app1/templates/refresh", None, "code"),
    ],
)
def test_what_a_provider_would_surely_refuse_is_not_asked(
    channels: Api, fake: FakeWorld, path: str, body: Any, field: str
) -> None:
    answer = channels.admin("POST", path, body)
    assert answer.status == 400
    assert answer.json["errors"][0]["field"] == field
    assert not fake.queues.sent


def test_only_a_refused_text_is_changed_from_its_version(channels: Api, fake: FakeWorld) -> None:
    kept(fake)
    kept(fake, "8", review=Review.REFUSED)
    change: Callable[..., Any] = channels.admin
    assert change("PUT", "channels/sms1/templates/8", TEXT).status == 428
    assert (
        change("PUT", "channels/sms1/templates/8", TEXT, headers={"If-Match": '"5"'}).status == 412
    )
    refused = change("PUT", "channels/sms1/templates/7", TEXT, headers={"If-Match": '"1"'})
    assert (refused.status, refused.json["errors"][0]["field"]) == (400, "id")
    assert (
        change("PUT", "channels/sms1/templates/8", TEXT, headers={"If-Match": '"1"'}).status == 202
    )
    (order,) = orders(fake)
    assert order.draft is not None
    assert order.draft.text == TEXT["text"]


def test_what_the_provider_lacks_is_deleted_at_once(channels: Api, fake: FakeWorld) -> None:
    kept(fake, is_invalid=True)
    kept(fake, "3", sort=Sort.SIGNATURE, is_invalid=True)
    assert channels.admin("DELETE", "channels/sms1/templates/7").json["status"] == "ok"
    assert channels.admin("DELETE", "channels/sms1/signatures/3").json["status"] == "ok"
    assert listed(channels) == listed(channels, "channels/sms1/signatures") == []
    assert channels.admin("DELETE", "channels/sms1/templates/7").status == 404
    assert channels.admin("GET", "channels/sms1/templates/7").status == 404
    assert channels.admin("GET", "channels/none/templates").status == 404


def test_a_template_is_refused_with_the_field_that_the_provider_would_refuse(
    channels: Api, fake: FakeWorld
) -> None:
    entered = {"id": "tpl1", "title": "Order", "text": "Order: {{thing1.DATA}}"}
    channels.admin("POST", "channels/wx1/templates/import", entered)
    body = {"channel_key": KEY, "name": "order"}
    for data, field in (
        ({"thing2": {"value": "x"}}, "contents.wechatoa.data.thing1.value"),
        ({"thing1": {"value": "字" * 21}}, "contents.wechatoa.data.thing1.value"),
    ):
        contents = {"wechatoa": {"template_id": "tpl1", "data": data}}
        answer = channels.admin("POST", "templates", {**body, "contents": contents})
        assert answer.status == 400
        assert answer.json["errors"][0]["field"] == field
    contents = {"wechatoa": {"template_id": "tpl1", "data": {"thing1": {"value": "{{x}}"}}}}
    id = channels.admin("POST", "templates", {**body, "contents": contents}).json["template_id"]
    values = {"template_para": {"x": "tea"}}
    preview = channels.admin("POST", f"templates/{id}/preview", values)
    assert preview.json["texts"] == {"wechatoa": ["Order: tea"]}


def test_an_invalid_template_is_refused_with_a_code_of_its_own(
    channels: Api, fake: FakeWorld
) -> None:
    kept(fake, "1", is_invalid=True)
    channel = fake.settings.channel("sms1")
    assert channel is not None
    channels.admin("POST", "channels/sms1/templates/refresh")
    content = {"temp_id": 1, "temp_para": {"code": "1"}}
    answer = channels.send({"aud_userid": ["u"], "msg_sms": [content]}, path="/v1/sent")
    assert answer.code == 1019008
    assert "msg_sms.temp_id" in answer.json["message"]
    assert JSMS["code"] in answer.json["message"]


def test_a_change_is_in_the_audit_log_by_the_ids_of_its_path(
    channels: Api, fake: FakeWorld
) -> None:
    kept(fake, is_invalid=True)
    channels.admin("DELETE", "channels/sms1/templates/7")
    changes = channels.admin("GET", "audit").json["changes"]
    deleted = [change["ids"] for change in changes if change["method"] == "DELETE"]
    assert deleted == [{"code": "sms1", "id": "7"}]


def test_families_do_not_mix(channels: Api, fake: FakeWorld) -> None:
    kept(fake)
    kept(fake, "7", sort=Sort.SIGNATURE, title="Shop", fields=())
    (signature,) = listed(channels, "channels/sms1/signatures")
    assert (signature["id"], signature["kind"], signature["title"]) == ("7", "signature", "Shop")
    assert {each.name for each in REGISTERED.values()} == {
        f"third_party_{family}" for family in Family
    }


# -- search, and certificates


def test_a_list_is_searched_by_title_text_and_id(channels: Api, fake: FakeWorld) -> None:
    kept(fake, "7", title="Code", text="Your code is {{code}}")
    kept(fake, "8", title="Parcel", text="It has left")
    path = "channels/sms1/templates"
    for text, ids in (("CODE IS", ["7"]), ("parcel", ["8"]), ("8", ["8"]), ("", ["7", "8"])):
        assert [each["id"] for each in listed_with(channels, f"{path}?text={text}")] == ids
    page = channels.admin("GET", f"{path}?text=e&limit=1").json
    rest = channels.admin("GET", f"{path}?text=e&limit=1&cursor={page['cursor']}").json
    assert [each["id"] for each in (*page["templates"], *rest["templates"])] == ["7", "8"]
    assert rest["cursor"] is None


def listed_with(api: Api, path: str) -> list[Any]:
    return list(api.admin("GET", path.replace(" ", "%20")).json["templates"])


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100


def test_certificates_are_kept_sealed_for_the_delivery_function(
    channels: Api, fake: FakeWorld
) -> None:
    body = {"text": "极光推送", "type": 1, "images": [encoded(PNG)] * 2}
    answer = channels.admin("POST", "channels/sms1/signatures", body)
    assert answer.status == 202
    (order,) = orders(fake)
    assert order.images == 2
    ((name, sealed),) = fake.files.stored.items()
    assert name == f"certificates/sms/{fake.queues.sent[0].job.id}"
    assert PNG not in sealed


@pytest.mark.parametrize(
    ("images", "field", "reason"),
    [
        (["!"], "images[0]", "base64"),
        ([encoded(PNG), encoded(b"GIF89a")], "images[1]", "PNG or JPEG"),
        ([encoded(PNG)] * 5, "images", "4"),
        ([encoded(PNG + bytes(1_600_000))] * 2, "images", "3000000 bytes"),
        ([""], "images[0]", ""),
    ],
)
def test_other_files_are_refused_with_their_place(
    channels: Api, fake: FakeWorld, images: list[str], field: str, reason: str
) -> None:
    answer = channels.admin(
        "POST", "channels/sms1/signatures", {"text": "极光推送", "images": images}
    )
    assert answer.status == 400, answer.json
    assert answer.json["errors"][0]["field"] == field
    assert reason in answer.json["errors"][0]["reason"]
    assert not fake.files.stored


def test_a_body_that_is_too_large_is_refused(channels: Api) -> None:
    body = {"text": "极光推送", "images": [encoded(bytes(3_400_000))]}
    assert channels.admin("POST", "channels/sms1/signatures", body).status == 413


def test_a_type_that_jsms_does_not_know_is_refused(channels: Api) -> None:
    answer = channels.admin("POST", "channels/sms1/signatures", {"text": "极光", "type": 8})
    assert answer.json["errors"][0]["field"] == "type"
