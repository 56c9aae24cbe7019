from __future__ import annotations

import re
from typing import Any

import pytest

from chalicelib.providers import registry
from tests.entrypoints.conftest import CONTENTS, JPUSH, KEY, OTHER_KEY, Api, message, sha256
from tests.fakes.clock import START


def problem(
    api: Api,
    method: str,
    path: str,
    body: Any = None,
    *,
    status: int = 400,
    field: str = "",
    **options: Any,
) -> Any:
    reply = api.admin(method, path, body, **options)
    assert reply.status == status, reply.body
    assert reply.headers["Content-Type"] == "application/problem+json"
    answer = reply.json
    assert set(answer) == {"type", "title", "status", "detail", "errors"}
    assert answer["status"] == status
    if field:
        assert field in [each["field"] for each in answer["errors"]], answer
        assert all(set(each) == {"field", "reason"} for each in answer["errors"])
    return answer


def test_an_access_channel_shows_its_secret_once_and_can_send_with_it(configured: Api) -> None:
    made = configured.admin("POST", "access-channels", {"name": "  订单通知 "})
    assert made.status == 201
    key, secret = made.json["channel_key"], made.json["master_secret"]
    assert re.fullmatch("[0-9a-f]{24}", key)
    assert re.fullmatch("[0-9a-f]{24}", secret)
    found = configured.admin("GET", f"access-channels/{key}")
    assert found.json == {
        "channel_key": key,
        "name": "订单通知",
        "enabled": True,
        "restricted": False,
        "rate": None,
        "channels": [],
        "version": 1,
    }
    assert key in [
        each["channel_key"]
        for each in configured.admin("GET", "access-channels").json["access_channels"]
    ]
    stored = configured.fake.settings.access_channel(key)
    assert stored is not None
    assert stored.secret_hashes == (sha256(secret),)
    assert configured.send(message(), auth=f"{key}:{secret}").code == 1015031


def test_authorisations_are_given_switched_and_taken_back(configured: Api) -> None:
    path = f"access-channels/{OTHER_KEY}/channels/app1"
    for enabled in (True, False):
        assert configured.admin("PUT", path, {"enabled": enabled}).json == {
            "channel_key": OTHER_KEY,
            "code": "app1",
            "enabled": enabled,
        }
        assert configured.admin("GET", f"access-channels/{OTHER_KEY}").json["channels"] == [
            {"code": "app1", "enabled": enabled}
        ]
    assert configured.admin("DELETE", path).status == 204
    assert configured.admin("GET", f"access-channels/{OTHER_KEY}").json["channels"] == []


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


def test_what_is_not_there_is_not_found(configured: Api) -> None:
    for method, path, body in (
        ("GET", "access-channels/nobody", None),
        ("GET", "access-channels/" + "k" * 3000, None),
        ("GET", "access-channels/%00", None),
        ("PUT", f"access-channels/{KEY}/channels/nothing", {"enabled": True}),
        ("PUT", "access-channels/nobody/channels/app1", {"enabled": True}),
        ("DELETE", "access-channels/nobody/channels/app1", None),
        ("GET", "channels/nothing", None),
        ("GET", "channels/%20", None),
        ("GET", "templates/99", None),
        ("GET", "templates/x", None),
        ("GET", "templates/-1", None),
        ("GET", "templates/" + "9" * 40, None),
        ("GET", "templates?channel_key=nobody", None),
        ("GET", "strategies?channel_key=nobody", None),
    ):
        problem(configured, method, path, body, status=404)


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


@pytest.mark.parametrize(("changes", "field"), [({}, "code"), ({"code": "app2"}, "name")])
def test_a_code_or_name_that_is_taken_is_refused(
    configured: Api, changes: dict[str, Any], field: str
) -> None:
    problem(configured, "POST", "channels", {**JPUSH, **changes}, status=409, field=field)
    problem(configured, "POST", "access-channels", {"name": "shop"}, status=409, field="name")


def test_a_template_knows_its_variables_and_links(configured: Api) -> None:
    contents = {
        "app": {"alert": "{{ name }}, {{url}} and {{order_url}}"},
        "sms": {"temp_id": 1, "temp_para": {"链接": "{{链接}}"}},
    }
    body = {"channel_key": KEY, "name": "t", "contents": contents}
    made = configured.admin("POST", "templates", body)
    assert made.status == 201
    assert (made.json["template_id"], made.json["version"], made.json["links"]) == (
        2,
        1,
        ["order_url", "url"],
    )
    assert made.json["variables"] == ["name", "order_url", "url", "链接"]
    assert configured.admin("GET", "templates/2").json == made.json
    assert made.json in configured.admin("GET", f"templates?channel_key={KEY}").json["templates"]
    assert configured.admin("POST", "templates", {**body, "links": ["链接"]}).json["links"] == [
        "链接"
    ]
    assert configured.admin("POST", "templates", {**body, "links": []}).json["links"] == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"contents": ...}, "contents"),
        ({"contents": {}}, "contents"),
        ({"contents": []}, "contents"),
        ({"contents": {"app": "x"}}, "contents.app"),
        ({"contents": {"app": {}}}, "contents.app.alert"),
        ({"contents": {"sms": {"temp_id": "x"}}}, "contents.sms.temp_id"),
        ({"contents": {"wechatoa": {"x": 1}}}, "contents.wechatoa.x"),
        ({"contents": {"app": {"alert": "{{a b}}"}}}, "contents.app"),
        ({"contents": {"app": {"alert": "{{}}"}}}, "contents.app"),
        ({"contents": {"app": {"alert": "x" * 100_001}}}, "contents"),
        ({"contents": {"app": {"alert": "x", "extra": 1}}}, "contents.app.extra"),
        ({"links": ["nothing"]}, "links[0]"),
        ({"links": "name"}, "links"),
        ({"links": [1]}, "links[0]"),
        ({"name": "x" * 31}, "name"),
        ({"name": ...}, "name"),
        ({"channel_key": ...}, "channel_key"),
        ({"channel_key": 5}, "channel_key"),
        ({"version": 2}, "version"),
    ],
)
def test_a_wrong_template_is_refused_with_the_field(
    configured: Api, changes: dict[str, Any], field: str
) -> None:
    body = {"channel_key": KEY, "name": "t", "contents": CONTENTS, **changes}
    problem(
        configured,
        "POST",
        "templates",
        {name: value for name, value in body.items() if value is not ...},
        field=field,
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [({"content": 5}, "must be a text"), ({"temp_id": "x"}, "must be a number")],
)
def test_a_wrong_content_is_refused_by_the_platform_whose_shape_it_has(
    configured: Api, content: dict[str, Any], reason: str
) -> None:
    (name,) = content
    body = {"channel_key": KEY, "name": "t", "contents": {"sms": content}}
    answer = problem(configured, "POST", "templates", body, field=f"contents.sms.{name}")
    assert reason in answer["detail"]


def test_both_kinds_of_text_messages_may_be_templates(configured: Api) -> None:
    for content in (
        {"content": "您好 {{name}} {{url}}"},
        {"temp_id": 1, "temp_para": {"name": "{{name}}"}},
    ):
        body = {"channel_key": KEY, "name": "t", "contents": {"sms": content}}
        assert configured.admin("POST", "templates", body).json["contents"]["sms"] == content


def test_an_unknown_channel_type_in_a_template_is_refused(configured: Api) -> None:
    answer = problem(
        configured, "POST", "templates", {"channel_key": KEY, "name": "t", "contents": {"fax": {}}}
    )
    assert "contents.fax" in answer["detail"]


def test_a_strategys_short_condition_means_every_channel_of_the_step_before(
    configured: Api,
) -> None:
    short = {"missing": "clicked", "within": 60}
    body = {
        "channel_key": KEY,
        "name": "s",
        "steps": [{"channels": ["app", "sms"]}, {"channels": ["email"], "condition": short}],
    }
    made = configured.admin("POST", "strategies", body)
    terms = [{"channel": "app", **short}, {"channel": "sms", **short}]
    assert made.status == 201
    assert made.json["rule_id"] == 2
    assert made.json["steps"] == [
        {"channels": ["app", "sms"]},
        {"channels": ["email"], "condition": {"operator": "and", "terms": terms}},
    ]
    assert made.json in configured.admin("GET", f"strategies?channel_key={KEY}").json["strategies"]
    long = {
        **body,
        "steps": [
            body["steps"][0],
            {"channels": ["email"], "condition": {"operator": "or", "terms": terms}},
        ],
    }
    assert configured.admin("POST", "strategies", long).json["steps"][1]["condition"] == {
        "operator": "or",
        "terms": terms,
    }


FIRST = {"channels": ["app"]}
TERM = {"channel": "app", "missing": "delivered", "within": 300}


def test_a_strategy_may_have_one_step(configured: Api) -> None:
    """UMS's own samples have such: its channels at once, and nothing after."""
    made = configured.admin(
        "POST",
        "strategies",
        {"channel_key": KEY, "name": "SMS only", "steps": [{"channels": ["sms"]}]},
    )
    assert (made.status, made.json["valid"]) == (201, True)
    body = {
        "aud_userid": ["user1"],
        "msg_sms": [{"sign_id": 1, "temp_id": 1}],
        "rule_id": made.json["rule_id"],
    }
    assert configured.send(body, path="/v1/sent").code == 0


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([], "steps"),
        ("x", "steps"),
        ([FIRST, {"channels": ["sms"]}], "steps[1].condition"),
        ([FIRST, {"channels": ["app"], "condition": {"terms": [TERM]}}], "steps[1].channels"),
        ([FIRST, {"channels": [], "condition": {"terms": [TERM]}}], "steps[1].channels"),
        ([FIRST, {"channels": ["fax"], "condition": {"terms": [TERM]}}], "steps[1].channels[0]"),
        ([FIRST, {"channels": ["sms"], "condition": {"terms": []}}], "steps[1].condition.terms"),
        ([FIRST, {"channels": ["sms"], "condition": {}}], "steps[1].condition"),
        (
            [FIRST, {"channels": ["sms"], "condition": {"missing": "delivered"}}],
            "steps[1].condition",
        ),
        (
            [FIRST, {"channels": ["sms"], "condition": {"missing": "delivered", "within": 0}}],
            "steps[1].condition",
        ),
        (
            [FIRST, {"channels": ["sms"], "condition": {"missing": "delivered", "within": 604801}}],
            "steps[1].condition",
        ),
        (
            [FIRST, {"channels": ["sms"], "condition": {"missing": "seen", "within": 5}}],
            "steps[1].condition.missing",
        ),
        (
            [FIRST, {"channels": ["sms"], "condition": {"missing": "delivered", "within": "5"}}],
            "steps[1].condition.within",
        ),
        (
            [
                FIRST,
                {
                    "channels": ["sms"],
                    "condition": {"terms": [TERM], "missing": "delivered", "within": 5},
                },
            ],
            "steps[1].condition",
        ),
        (
            [FIRST, {"channels": ["sms"], "condition": {"operator": "xor", "terms": [TERM]}}],
            "steps[1].condition.operator",
        ),
        (
            [FIRST, {"channels": ["sms"], "condition": {"terms": [{**TERM, "channel": "email"}]}}],
            "steps[1].condition",
        ),
        (
            [
                {**FIRST, "condition": {"terms": [TERM]}},
                {"channels": ["sms"], "condition": {"terms": [TERM]}},
            ],
            "steps[0].condition",
        ),
        ([FIRST, {"channels": ["sms"], "after": 5}], "steps[1].after"),
    ],
)
def test_a_wrong_strategy_is_refused_with_the_field(
    configured: Api, steps: Any, field: str
) -> None:
    problem(
        configured,
        "POST",
        "strategies",
        {"channel_key": KEY, "name": "s", "steps": steps},
        field=field,
    )


def test_a_management_body_of_more_than_a_million_bytes_is_refused(api: Api) -> None:
    raw = b'{"name":"n"}'
    problem(api, "POST", "access-channels", raw=raw.ljust(1_000_001), status=413)
    assert api.admin("POST", "access-channels", raw=raw.ljust(1_000_000)).status == 201


def test_lists_need_an_access_channel(api: Api) -> None:
    for what in ("templates", "strategies"):
        problem(api, "GET", what, field="channel_key")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"enabled":1}',
        b'{"enabled":"true"}',
        b'{"enabled":true,"x":1}',
        b'{"enabled":NaN}',
    ],
)
def test_wrong_bodies_of_an_authorisation(configured: Api, raw: bytes) -> None:
    problem(configured, "PUT", f"access-channels/{KEY}/channels/app1", raw=raw)


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
