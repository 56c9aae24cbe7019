"""Delivery channels: credentials, webhooks, contact labels, limits and platforms."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chalicelib.providers import registry
from tests.entrypoints.conftest import (
    JPUSH,
    KEY,
    Api,
    message,
    sha256,
)
from tests.entrypoints.http.admin.management import change, problem
from tests.fakes.clock import START


def test_switching_a_delivery_channel_off_closes_strategies_and_templates_with_it(
    configured: Api,
) -> None:
    """Templates and strategies with the channel "will become invalid", and later valid again."""
    switch = f"access-channels/{KEY}/channels/sms1"
    assert configured.admin("PUT", switch, {"enabled": False}).status == 200
    answered = configured.send(message())
    assert (answered.code, "sms" in answered.json["message"]) == (1015026, True)
    answered = configured.send(message(rule_id=0))
    assert (answered.code, "sms" in answered.json["message"]) == (1015073, True)
    assert (
        configured.send(message(aud_userid=..., rule_id=0, aud_app=[{"data": ["r1"]}])).code
        == 1015073
    )
    assert configured.admin("PUT", switch, {"enabled": True}).status == 200
    assert configured.send(message()).code == configured.send(message(rule_id=0)).code == 0


def test_a_delivery_channel_never_gives_its_credentials_back(api: Api) -> None:
    made = api.admin(
        "POST",
        "channels",
        {
            **JPUSH,
            "options": {"base_url": "https://push.example.com"},
            "on_uncertain": "resend",
            "receipts": "poll",
        },
    )
    assert made.status == 201
    answer = made.json
    address = answer.pop("webhook_url")
    assert re.fullmatch(r"https://ums\.example\.com/receipts/app1/[\w-]{32}", address)
    assert answer == {
        "id": 1,
        "code": "app1",
        "name": "App push",
        "type": "app",
        "platform": "jpush",
        "options": {"base_url": "https://push.example.com"},
        "on_uncertain": "resend",
        "receipts": "poll",
        "calls_per_second": None,
        "deliveries_per_day": None,
        "price": None,
        "prefixes": {},
        "priced_since": START,
        "paused": False,
        "version": 1,
        "labels": [{"label": "1", "name": "默认联系", "default": True}],
    }
    assert api.admin("GET", "channels/app1").json == {**answer, "today": None}
    assert api.admin("GET", "channels").json == {"channels": [answer], "cursor": None}
    stored = api.fake.settings.channel("app1")
    assert stored is not None
    assert stored.webhook_token_hash == sha256(address.rpartition("/")[2])
    assert b"the secret of jpush" not in stored.sealed_credentials + stored.sealed_webhook
    assert api.fake.credentials.open_credentials(stored.sealed_credentials) == JPUSH["credentials"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ...}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 31}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": 1}, "name"),
        ({"code": ...}, "code"),
        ({"code": ""}, "code"),
        ({"code": "x" * 33}, "code"),
        ({"code": "a-b"}, "code"),
        ({"code": "代码"}, "code"),
        ({"code": "all"}, "code"),
        ({"type": ...}, "type"),
        ({"type": "fax"}, "type"),
        ({"type": 1}, "type"),
        ({"type": "sms"}, "platform"),
        ({"platform": ...}, "platform"),
        ({"platform": "nothing"}, "platform"),
        ({"platform": ""}, "platform"),
        ({"platform": []}, "platform"),
        ({"credentials": ...}, "credentials"),
        ({"credentials": "x"}, "credentials"),
        ({"credentials": {}}, "credentials.app_key"),
        ({"credentials": {"app_key": "k", "master_secret": "s", "x": 1}}, "credentials.x"),
        ({"credentials": {"app_key": 5, "master_secret": "s"}}, "credentials.app_key"),
        ({"options": []}, "options"),
        ({"options": {"base_url": "http://127.0.0.1"}}, "options.base_url"),
        ({"options": {"base_url": 5}}, "options.base_url"),
        ({"options": {"note": "x" * 80_000}}, "options"),
        ({"options": {"track_link": False}}, "options.track_link"),
        ({"on_uncertain": "maybe"}, "on_uncertain"),
        ({"receipts": "fax"}, "receipts"),
        ({"colour": 1}, "colour"),
    ],
)
def test_a_wrong_delivery_channel_is_refused_with_the_field(
    api: Api, changes: dict[str, Any], field: str
) -> None:
    body = {name: value for name, value in {**JPUSH, **changes}.items() if value is not ...}
    answer = problem(api, "POST", "channels", body, field=field)
    assert "the secret of jpush" not in str(answer)
    assert api.fake.settings.channels() == []


def test_a_delivery_channel_says_how_much_of_today_is_used_up(configured: Api) -> None:
    made = configured.admin(
        "PATCH", "channels/app1", {"deliveries_per_day": 1000}, headers={"If-Match": "*"}
    ).json
    assert made["deliveries_per_day"] == 1000
    today = {"date": "2027-01-15", "ends": START + 8 * 3_600_000, "reserved": 0, "limit": 1000}
    assert configured.admin("GET", "channels/app1").json["today"] == today
    configured.fake.counters.counted["quota#app1#2027-01-15"] = 321
    assert configured.admin("GET", "channels/app1").json["today"] == {**today, "reserved": 321}
    for lifted in (0, None):
        assert (
            configured.admin(
                "PATCH", "channels/app1", {"deliveries_per_day": lifted}, headers={"If-Match": "*"}
            ).status
            == 200
        )
        found = configured.admin("GET", "channels/app1").json
        assert (found["deliveries_per_day"], found["today"]) == (lifted, None)


@pytest.mark.parametrize("name", ["deliveries_per_day", "calls_per_second"])
@pytest.mark.parametrize("value", [-1, 10**12 + 1, 1.5, "10", True])
def test_limits_are_whole_numbers(configured: Api, name: str, value: Any) -> None:
    problem(
        configured, "PATCH", "channels/app1", {name: value}, field=name, headers={"If-Match": "*"}
    )


def test_platforms_are_listed_with_what_they_can_do_and_must_be_given(api: Api) -> None:
    listed = {each["platform"]: each for each in api.admin("GET", "platforms").json["platforms"]}
    assert set(listed) == set(registry.capabilities())
    push = listed["jpush"]
    assert (push["type"], push["delivery_report"], push["click_report"], push["receipts"]) == (
        "app",
        "real",
        "provider",
        ["poll", "webhook"],
    )
    limits = ("calls_per_second", "deliveries_per_minute", "deliveries_per_day")
    assert [
        [listed[name][limit] for limit in limits]
        for name in ("jpush", "dingtalk", "wechatoa", "smtp")
    ] == [
        [10, None, None],
        [None, 5000, None],
        [None, None, 100_000],
        [None, None, None],
    ]
    assert {"name": "app_key", "required": True} in push["credentials"]
    assert {"name": "base_url", "required": False} in push["options"]
    assert {"name": "base_url", "required": True} in listed["jpush_private"]["options"]
    assert [name for name, each in listed.items() if not each["available"]] == [
        "cmpp"
    ]  # a worker does not run here
    assert api.admin("GET", "platforms", auth=None).status == 401


def test_new_credentials_are_sealed_checked_and_never_shown(configured: Api) -> None:
    before = configured.fake.settings.channel("app1")
    done = change(
        configured,
        "channels/app1",
        {"credentials": {"app_key": "other", "master_secret": "quite another secret"}},
    )
    assert done.status == 200
    assert "quite another secret" not in done.body.decode()
    after = configured.fake.settings.channel("app1")
    assert before is not None
    assert after is not None
    assert after.sealed_credentials != before.sealed_credentials
    anyhow = {"If-Match": "*"}
    problem(
        configured,
        "PATCH",
        "channels/app1",
        {"credentials": {"app_key": "x"}},
        field="credentials.master_secret",
        headers=anyhow,
    )
    problem(
        configured, "PATCH", "channels/app1", {"options": {}}, field="credentials", headers=anyhow
    )
    options = {"credentials": JPUSH["credentials"], "options": {"base_url": "http://127.0.0.1"}}
    problem(configured, "PATCH", "channels/app1", options, field="options.base_url", headers=anyhow)
    unknown = {"credentials": JPUSH["credentials"], "options": {"track_link": False}}
    problem(
        configured, "PATCH", "channels/app1", unknown, field="options.track_link", headers=anyhow
    )
    problem(
        configured, "PATCH", "channels/app1", {"receipts": "fax"}, field="receipts", headers=anyhow
    )
    for never in ({"code": "x"}, {"type": "sms"}, {"platform": "jsms"}):
        problem(
            configured, "PATCH", "channels/app1", never, field=next(iter(never)), headers=anyhow
        )


def test_a_new_webhook_address_ends_the_old_one(configured: Api) -> None:
    first = configured.admin("POST", "channels/app1/webhook").json["webhook_url"]
    second = configured.admin("POST", "channels/app1/webhook").json["webhook_url"]
    assert first != second
    paths = [url.removeprefix("https://ums.example.com") for url in (first, second)]
    assert [configured("GET", path).status for path in paths] == [404, 403], (
        "the new one leads on, to the provider's signature"
    )


def test_a_delivery_channel_is_not_deleted_while_somebody_may_use_it(configured: Api) -> None:
    answer = problem(configured, "DELETE", "channels/app1", status=409, field="code")
    assert "shop" in answer["detail"]
    configured.admin("PUT", f"access-channels/{KEY}/channels/app1", {"enabled": False})
    problem(configured, "DELETE", "channels/app1", status=409)
    configured.admin("DELETE", f"access-channels/{KEY}/channels/app1")
    assert configured.admin("DELETE", "channels/app1").status == 204
    assert configured.admin("POST", "channels", JPUSH).status == 201


def test_contact_labels_are_added_renamed_deleted_and_one_is_the_default(configured: Api) -> None:
    path = "channels/sms1/labels"
    assert configured.admin("GET", path).json["labels"] == [
        {"label": "1", "name": "默认联系", "default": True}
    ]
    made = configured.admin("POST", path, {"name": "Work"})
    work = made.json["label"]
    assert made.status == 201
    assert change(configured, f"{path}/{work}", {"name": "办公电话"}, "PUT").json["labels"][1] == {
        "label": work,
        "name": "办公电话",
        "default": False,
    }
    problem(configured, "POST", path, {"name": "办公电话"}, status=409, field="name")
    problem(configured, "DELETE", f"{path}/1", status=409, field="label")
    problem(
        configured,
        "PUT",
        "channels/sms1/default-label",
        {"label": "nothing"},
        status=404,
        headers={"If-Match": "*"},
    )
    assert change(configured, "channels/sms1/default-label", {"label": work}, "PUT").json["labels"][
        1
    ]["default"]
    left = configured.admin("DELETE", f"{path}/1").json["labels"]
    assert left == [{"label": work, "name": "办公电话", "default": True}]
    assert configured.admin("GET", "channels/sms1").json["labels"] == left
    again = configured.admin("POST", path, {"name": "默认联系"}).json["label"]
    assert again not in ("1", work)


def test_a_channel_has_at_most_fifty_labels(configured: Api) -> None:
    for n in range(49):
        assert configured.admin("POST", "channels/sms1/labels", {"name": f"l{n}"}).status == 201
    problem(configured, "POST", "channels/sms1/labels", {"name": "more"}, field="name")
