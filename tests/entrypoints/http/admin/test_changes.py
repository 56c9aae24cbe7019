"""Changes of access channels, delivery channels, templates and strategies: versions, pages, what follows from what."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chalicelib.domain.access_channels import ACCESS_CHANNELS
from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS
from chalicelib.domain.errors import Stale
from chalicelib.domain.groups import GROUPS, Family
from tests.entrypoints.conftest import (
    CONTENTS,
    JPUSH,
    KEY,
    OPERATOR,
    SECRET,
    SENDER,
    Api,
    Reply,
    message,
)
from tests.entrypoints.http.admin.test_admin import problem

VERSIONED = {
    f"access-channels/{KEY}": ("PATCH", {"name": "renamed"}),
    "channels/app1": ("PATCH", {"name": "renamed"}),
    "channels/app1/labels/1": ("PUT", {"name": "Main"}),
    "templates/1": ("PUT", {"name": "renamed", "contents": CONTENTS}),
    "strategies/1": (
        "PUT",
        {
            "name": "renamed",
            "steps": [
                {"channels": ["sms"]},
                {"channels": ["app"], "condition": {"missing": "clicked", "within": 9}},
            ],
        },
    ),
    "lists/1": ("PUT", {"name": "renamed"}),
}


@pytest.fixture
def filled(configured: Api) -> Api:
    assert (
        configured.admin(
            "POST", "lists", {"channel_key": KEY, "name": "gone", "kind": "black"}
        ).json["id"]
        == 1
    )
    return configured


def change(
    api: Api, path: str, body: Any, method: str = "PATCH", version: int | str = "*"
) -> Reply:
    """With an ETag that is right, or any."""
    return api.admin(
        method,
        path,
        body,
        headers={"If-Match": f'"{version}"' if isinstance(version, int) else version},
    )


def read(api: Api, path: str) -> Reply:
    """What carries the ETag: labels have that of their channel."""
    return api.admin("GET", re.sub("/labels/1$", "/labels", path))


@pytest.mark.parametrize("path", VERSIONED)
def test_a_change_needs_the_etag_of_what_was_read(filled: Api, path: str) -> None:
    method, body = VERSIONED[path]
    tag = read(filled, path).headers["ETag"]
    assert re.fullmatch('"[1-9][0-9]*"', tag)
    problem(filled, method, path, body, status=428, field="If-Match")
    for wrong in (
        '"999"',
        f'"{int(tag.strip(chr(34))) - 1}"',
        tag.strip('"'),
        f"W/{tag}",
        '"x"',
        '"' + "9" * 400 + '"',
        "\x00",
    ):
        problem(
            filled, method, path, body, status=412, field="If-Match", headers={"If-Match": wrong}
        )
    done = filled.admin(method, path, body, headers={"If-Match": tag})
    assert (done.status, done.json["version"]) == (200, int(tag.strip('"')) + 1)
    assert done.headers["ETag"] == read(filled, path).headers["ETag"] == f'"{done.json["version"]}"'
    problem(filled, method, path, body, status=412, headers={"If-Match": tag})
    assert filled.admin(method, path, body, headers={"If-Match": "*"}).status == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"access-channels/{KEY}/secret", {}),
        ("POST", "channels/app1/labels", {"name": "Work"}),
        ("DELETE", "lists/1", None),
        ("PUT", "lists/1", {"name": "renamed"}),
    ],
)
def test_who_began_from_no_version_and_was_slower_is_told_so_and_not_that_a_precondition_failed(
    filled: Api, monkeypatch: pytest.MonkeyPatch, method: str, path: str, body: Any
) -> None:
    def too_late(*_: Any) -> None:
        raise Stale("somebody else changed this meanwhile")

    for kind in (ACCESS_CHANNELS, DELIVERY_CHANNELS, GROUPS[Family.LIST]):
        for name in ("update", "delete"):
            monkeypatch.setattr(filled.fake.records.of(kind), name, too_late)
    anyhow = {"If-Match": "*"} if method == "PUT" else {}
    answer = problem(filled, method, path, body, status=409, headers=anyhow)
    assert answer["errors"] == []
    tag = read(filled, path.removesuffix("/secret")).headers["ETag"]
    problem(filled, method, path, body, status=412, field="If-Match", headers={"If-Match": tag})


@pytest.mark.parametrize("path", ["channels/app2", "templates/1", "strategies/1", "lists/1"])
def test_a_delete_takes_an_etag_and_needs_none(filled: Api, path: str) -> None:
    filled.admin("POST", "channels", {**JPUSH, "code": "app2", "name": "second"})
    problem(filled, "DELETE", path, status=412, headers={"If-Match": '"9"'})
    gone = filled.admin("DELETE", path)
    assert (gone.status, gone.body) == (204, b"")
    problem(filled, "GET", path, status=404)
    problem(filled, "DELETE", path, status=404)


def test_an_access_channel_is_renamed_closed_and_restricted(configured: Api) -> None:
    path = f"access-channels/{KEY}"
    assert (
        change(configured, path, {"name": "other name", "restricted": True, "rate": 5}).json["rate"]
        == 5
    )
    assert change(configured, path, {"rate": None, "name": None}).json["rate"] is None
    found = configured.admin("GET", path).json
    assert (found["name"], found["restricted"], [c["code"] for c in found["channels"]]) == (
        "other name",
        True,
        ["app1", "sms1"],
    )
    assert change(configured, path, {"enabled": False}).status == 200
    assert configured.send(message()).code == 1015005
    assert change(configured, path, {"enabled": True}).status == 200
    assert configured.send(message()).code == 0


@pytest.mark.parametrize("rate", [0, -1, 100_001, "5", True, 1.5])
def test_a_wrong_rate_is_refused(configured: Api, rate: Any) -> None:
    problem(
        configured,
        "PATCH",
        f"access-channels/{KEY}",
        {"rate": rate},
        field="rate",
        headers={"If-Match": "*"},
    )


def test_a_name_that_is_taken_is_refused_in_a_change_too(filled: Api) -> None:
    anyhow = {"If-Match": "*"}
    problem(
        filled,
        "PATCH",
        f"access-channels/{KEY}",
        {"name": "other"},
        status=409,
        field="name",
        headers=anyhow,
    )
    problem(
        filled, "PATCH", "channels/app1", {"name": "SMS"}, status=409, field="name", headers=anyhow
    )
    filled.admin("POST", "lists", {"channel_key": KEY, "name": "second", "kind": "white"})
    problem(filled, "PUT", "lists/1", {"name": "second"}, status=409, field="name", headers=anyhow)
    problem(
        filled,
        "POST",
        "lists",
        {"channel_key": KEY, "name": "second", "kind": "black"},
        status=409,
        field="name",
    )


def test_an_older_master_secret_works_until_its_grace_is_over(configured: Api) -> None:
    path = f"access-channels/{KEY}/secret"
    first = configured.admin("POST", path, {"grace": 60}).json
    assert first["old_until"] == configured.fake.clock.now() + 60_000
    for secret in (SECRET, first["master_secret"]):
        assert configured.send(message(), auth=f"{KEY}:{secret}").code == 0
    configured.fake.clock.advance(59.9)
    second = configured.admin("POST", path, {}).json["master_secret"]
    assert configured.send(message()).code == 0, (
        "a longer grace of a later secret lengthens no earlier one"
    )
    configured.fake.clock.advance(0.1)
    assert configured.send(message()).code == 4005
    assert configured.send(message(), auth=f"{KEY}:{first['master_secret']}").code == 0
    third = configured.admin("POST", path, {"grace": 0}).json["master_secret"]
    for secret in (SECRET, first["master_secret"], second):
        assert configured.send(message(), auth=f"{KEY}:{secret}").code == 4005
    assert configured.send(message(), auth=f"{KEY}:{third}").code == 0
    assert third not in repr(vars(configured.fake.settings))


@pytest.mark.parametrize(
    ("grace", "status"), [(0, 200), (30 * 86400, 200), (-1, 400), (30 * 86400 + 1, 400), ("1", 400)]
)
def test_the_limits_of_a_grace(api: Api, grace: Any, status: int) -> None:
    assert api.admin("POST", f"access-channels/{KEY}/secret", {"grace": grace}).status == status


def test_closing_a_channel_makes_what_contains_it_invalid_until_it_is_opened_again(
    configured: Api,
) -> None:
    places = ("templates/1", "strategies/1")
    for enabled, closed in ((True, []), (False, ["sms"]), (True, []), (None, ["sms"])):
        path = f"access-channels/{KEY}/channels/sms1"
        configured.admin("DELETE", path) if enabled is None else configured.admin(
            "PUT", path, {"enabled": enabled}
        )
        for place in places:
            found = configured.admin("GET", place).json
            assert (found["valid"], found["closed"]) == (not closed, closed)
        for kind in ("templates", "strategies"):
            (found,) = configured.admin("GET", f"{kind}?channel_key={KEY}").json[kind]
            assert (found["valid"], found["closed"]) == (not closed, closed)


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


def test_a_template_warns_of_what_is_perhaps_not_meant(configured: Api) -> None:
    assert configured.admin("GET", "templates/1").json["warnings"] == []
    body = {"channel_key": KEY, "name": "t", "contents": {**CONTENTS, "app": {"alert": "x" * 1001}}}
    warned = configured.admin("POST", "templates", body).json["warnings"]
    assert [w.split(":")[0] for w in warned] == ["name", "contents.app"]
    body["contents"]["app"] = {"alert": "x" * 992 + "{{name}}"}
    assert configured.admin("POST", "templates", body).json["warnings"] == []


def test_tags_may_belong_to_everybody_and_lists_may_not(configured: Api) -> None:
    assert configured.admin("POST", "tags", {"channel_key": "all", "name": "vip"}).status == 201
    assert [t["name"] for t in configured.admin("GET", "tags?channel_key=all").json["tags"]] == [
        "vip"
    ]
    problem(configured, "POST", "tags", {"channel_key": "all", "name": "two words"}, field="name")
    problem(
        configured,
        "POST",
        "lists",
        {"channel_key": "all", "name": "x", "kind": "black"},
        status=404,
    )
    problem(
        configured, "POST", "lists", {"channel_key": KEY, "name": "x", "kind": "grey"}, field="kind"
    )
    assert (
        configured.admin("POST", "segments", {"channel_key": KEY, "name": "x"}).json["kind"]
        == "manual"
    )


def test_a_template_may_have_alternatives_for_platforms_that_differ(configured: Api) -> None:
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


def test_nobody_but_members_may_change_anything(configured: Api) -> None:
    for auth in (None, SENDER, "operator:wrong"):
        problem(
            configured,
            "PATCH",
            f"access-channels/{KEY}",
            {"name": "x"},
            status=401,
            auth=auth,
            headers={"If-Match": "*"},
        )
    assert configured.admin("GET", f"access-channels/{KEY}", auth=OPERATOR).json["name"] == "shop"
