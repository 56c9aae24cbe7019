"""Templates: contents, variables, versions, previews and warnings."""

from __future__ import annotations

from typing import Any

import pytest

from tests.entrypoints.conftest import (
    CONTENTS,
    KEY,
    SENDER,
    Api,
    message,
)
from tests.entrypoints.http.admin.management import change, problem


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


def test_a_version_of_a_template_never_changes(configured: Api) -> None:
    first = configured.admin("GET", "templates/1/versions/1").json
    assert (
        change(
            configured,
            "templates/1",
            {"name": "new", "contents": {"sms": {"temp_id": 2, "temp_para": {}}}},
            "PUT",
            1,
        ).status
        == 200
    )
    assert configured.admin("GET", "templates/1/versions/1").json == first
    assert [
        v["version"] for v in configured.admin("GET", "templates/1/versions").json["versions"]
    ] == [1, 2]
    assert configured.admin("GET", "templates/1").json["name"] == "new"
    problem(configured, "GET", "templates/1/versions/3", status=404)
    problem(
        configured,
        "PUT",
        "templates/1",
        {"name": "x", "contents": {}},
        field="contents",
        headers={"If-Match": "*"},
    )


def test_an_archived_template_is_sent_by_nobody_and_can_still_be_read(configured: Api) -> None:
    assert configured.admin("DELETE", "templates/1").status == 204
    assert configured.send(message()).code == 1015031
    assert configured.admin("GET", f"templates?channel_key={KEY}").json["templates"] == []
    assert [
        v["version"] for v in configured.admin("GET", "templates/1/versions").json["versions"]
    ] == [1]
    problem(configured, "GET", "templates/1/versions/2", status=404)
    problem(
        configured,
        "PUT",
        "templates/1",
        {"name": "x", "contents": CONTENTS},
        status=404,
        headers={"If-Match": "*"},
    )


def test_a_preview_shows_what_people_would_get_and_warns(configured: Api) -> None:
    shown = configured.admin(
        "POST", "templates/1/preview", {"template_para": {"name": "李", "more": 1}}
    ).json
    assert shown["contents"]["app"]["alert"] == "Hello 李"
    assert shown["contents"]["sms"]["temp_para"] == {"name": "李"}
    assert [w.split(":")[0] for w in shown["warnings"]] == ["more"]
    problem(configured, "POST", "templates/1/preview", {}, field="template_para.name")
    change(
        configured, "templates/1", {"name": "t", "contents": {"app": {"alert": "{{other}}"}}}, "PUT"
    )
    assert (
        configured.admin(
            "POST", "templates/1/preview", {"template_para": {"name": "x"}, "version": 1}
        ).json["version"]
        == 1
    )
    problem(configured, "POST", "templates/1/preview", {"version": 9}, status=404)
    assert configured.fake.queues.sent == []


@pytest.mark.parametrize("value", ["x" * 501, "{{name}}"])
def test_a_preview_takes_no_attribute_that_a_send_would_leave_out(
    configured: Api, value: str
) -> None:
    contents = {"app": {"alert": "Hello {{user.nick}}"}}
    change(configured, "templates/1", {"name": "t", "contents": contents}, "PUT")
    body = {"template_para": {"user.nick": value}}
    problem(configured, "POST", "templates/1/preview", body, field="template_para.user.nick")
    body = {"template_para": {"user.nick": "x" * 500}}
    assert configured.admin("POST", "templates/1/preview", body).status == 200


def test_a_template_warns_of_what_is_perhaps_not_meant(configured: Api) -> None:
    assert configured.admin("GET", "templates/1").json["warnings"] == []
    body = {"channel_key": KEY, "name": "t", "contents": {**CONTENTS, "app": {"alert": "x" * 1001}}}
    warned = configured.admin("POST", "templates", body).json["warnings"]
    assert [w.split(":")[0] for w in warned] == ["name", "contents.app"]
    body["contents"]["app"] = {"alert": "x" * 992 + "{{name}}"}
    assert configured.admin("POST", "templates", body).json["warnings"] == []


def test_each_element_of_a_template_that_the_platform_takes_is_sent(configured: Api) -> None:
    texts = [{"temp_id": n, "temp_para": {"name": "{{name}}"}} for n in (1, 2)]
    body = {"channel_key": KEY, "name": "t", "contents": {"sms": texts}}
    number = configured.admin("POST", "templates", body).json["template_id"]
    sent = configured.send(message(template_id=number, rule_id=0))
    stored = configured.fake.messages.get(sent.json["msgid"])
    assert stored is not None
    assert {code: text["temp_id"] for code, text in stored.contents.items()} == {
        "sms1": 1,
        "sms1-2": 2,
    }


def test_a_template_may_have_elements_for_platforms_that_differ(configured: Api) -> None:
    texts = [{"content": "您好 {{name}}"}, {"temp_id": 1, "temp_para": {"name": "{{name}}"}}]
    body = {"channel_key": KEY, "name": "t", "contents": {"sms": texts}}
    made = configured.admin("POST", "templates", body)
    assert (made.status, made.json["contents"], made.json["variables"]) == (
        201,
        {"sms": texts},
        ["name"],
    )
    number = made.json["template_id"]
    assert configured.admin("GET", f"templates/{number}").json == made.json
    assert configured.admin("GET", f"templates/{number}/versions/1").json["contents"] == {
        "sms": texts
    }
    shown = configured.admin(
        "POST", f"templates/{number}/preview", {"template_para": {"name": "Li"}}
    ).json["contents"]
    assert shown == {"sms": [{"content": "您好 Li"}, {"temp_id": 1, "temp_para": {"name": "Li"}}]}
    sent = configured.send(message(template_id=number, rule_id=0))
    stored = configured.fake.messages.get(sent.json["msgid"])
    assert stored is not None
    assert stored.contents["sms1"]["temp_id"] == 1
    texts[1] = {"temp_id": "x"}
    problem(configured, "POST", "templates", body, field="contents.sms[1].temp_id")
    for wrong in ([], ["x"], [texts[0], 5], "x", 5, None, [[texts[0]]]):
        problem(
            configured,
            "POST",
            "templates",
            {**body, "contents": {"sms": wrong}},
            field="contents.sms",
        )


PERSONAL = 'Hi {{user.name|default:"friend"}}, {{user.points}} points'


def test_a_template_tells_which_attributes_it_takes_and_who_falls_out(configured: Api) -> None:
    body = {"channel_key": KEY, "name": "t", "contents": {"app": {"alert": PERSONAL}}}
    made = configured.admin("POST", "templates", body)
    assert made.status == 201, made.body
    assert (made.json["variables"], made.json["attributes"]) == ([], ["name", "points"])
    lacking = "user.points: has no default, so users without this attribute get nothing"
    assert made.json["warnings"] == [lacking]
    path = f"templates/{made.json['template_id']}/preview"
    plain = configured.admin("POST", path, {"template_para": {}}).json
    assert plain["contents"]["app"]["alert"] == "Hi friend, {{user.points}} points"
    assert plain["warnings"] == [lacking]
    para = {"user.name": "Li", "user.points": 3}
    shown = configured.admin("POST", path, {"template_para": para}).json
    assert (shown["contents"]["app"]["alert"], shown["warnings"]) == ("Hi Li, 3 points", [])


def test_a_wrong_placeholder_of_an_attribute_is_refused(configured: Api) -> None:
    contents = {"app": {"alert": "Hi {{user.name|default:friend}}"}}
    body = {"channel_key": KEY, "name": "t", "contents": contents}
    problem(configured, "POST", "templates", body, field="contents.app")
    many = " ".join(f"{{{{user.a{n}}}}}" for n in range(21))
    body["contents"] = {"app": {"alert": many}}
    problem(configured, "POST", "templates", body, field="contents")


def test_a_message_takes_attributes_that_the_sender_has_set(configured: Api) -> None:
    body = {"channel_key": KEY, "name": "t", "contents": {"app": {"alert": PERSONAL}}}
    number = configured.admin("POST", "templates", body).json["template_id"]
    users = [
        {"userid": "user1", "app": {"app1": ["reg-1"]}, "attributes": {"points": 3}},
        {"userid": "user2", "app": {"app1": ["reg-2"]}},
    ]
    assert configured.users(users).json["data"]["success"] == ["user1", "user2"]
    msgid = configured.send(message(template_id=number, rule_id=0)).json["msgid"]
    losses = [
        configured("GET", f"/v1/messages/{msgid}/targets/{user}", auth=SENDER).json["loss"]
        for user in ("user1", "user2")
    ]
    assert losses == [None, "no_value"]
    assert configured.admin("GET", "users/user1").json["attributes"] == {"points": 3}
