"""A deployment of an earlier layout is upgraded in place, and everything that it kept is there."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

import app
from chalicelib import config
from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, ChannelType
from chalicelib.entrypoints.http import callers
from chalicelib.ports import World
from infra import upgrade
from tests.contracts import emulator, older_layout
from tests.contracts.conftest import real_container
from tests.entrypoints import http_api

STAGE = "older"
SETTINGS = config.table_name(STAGE, "settings")


def _at(pk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": "-"}}


class Deployment:
    """The API of today over the items of then."""

    def __init__(self, known: Mapping[str, Any], aws: Callable[[str], Any]) -> None:
        self.known, self.aws = known, aws

    @property
    def session(self) -> Any:
        return SimpleNamespace(client=self.aws)

    @property
    def world(self) -> World:
        return real_container()

    def request(self, method: str, path: str, body: Any = None, who: str = "operator") -> Any:
        real_container()
        callers.GUESSES.forget()
        secret = base64.b64encode(self.known[who].encode()).decode()
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {secret}"}
        raw = b"" if body is None else json.dumps(body).encode()
        return http_api.request(app.app, method, path.format(**self.known), headers, raw)

    def ask(self, method: str, path: str, body: Any = None, who: str = "operator") -> Any:
        reply = self.request(method, path, body, who)
        assert reply.status_code < 300, (path, reply.status_code, reply.body)
        return json.loads(reply.body)

    def listed(self, kind: str) -> list[Any]:
        """Return the names of what a list of the access channel has."""
        page = self.ask("GET", f"/admin/v1/{kind}?channel_key={{key}}")
        return [each["name"] for each in page[kind]]

    def stored(self, table: str = "settings") -> list[dict[str, Any]]:
        pages = self.aws("dynamodb").get_paginator("scan")
        table = config.table_name(STAGE, table)
        return [item for page in pages.paginate(TableName=table) for item in page["Items"]]


@pytest.fixture
def older(aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """A stage whose tables hold the items of then, and nothing else."""
    monkeypatch.setenv("STAGE", STAGE)
    config.settings.cache_clear()
    known, items = older_layout.read()
    emulator.create_tables(aws, STAGE)
    for table, rows in items.items():
        for item in rows:
            aws("dynamodb").put_item(TableName=config.table_name(STAGE, table), Item=item)
    with older_layout.kms_of_then(aws):
        yield Deployment(known, aws)
    for table in config.TABLES:
        aws("dynamodb").delete_table(TableName=config.table_name(STAGE, table))
    config.settings.cache_clear()


def test_everything_that_was_configured_is_listed(older: Deployment) -> None:
    assert upgrade.upgrade(older.session, STAGE).number > 8
    names = older.ask("GET", "/admin/v1/access-channels")["access_channels"]
    assert {each["name"] for each in names} == {"shop", "bank # 2"}
    channels = older.ask("GET", "/admin/v1/channels")["channels"]
    assert {each["code"] for each in channels} == {"app1", "sms1", "mail1"}
    assert older.listed("templates") == ["greeting"]
    assert older.listed("strategies") == ["push, then SMS"]
    assert older.listed("lists") == ["no # sends", "testers"]
    assert older.listed("segments") == ["best"]
    tags = older.ask("GET", "/admin/v1/tags?channel_key=all")["tags"]
    assert [each["name"] for each in tags] == ["vip"]
    members = older.ask("GET", "/admin/v1/members")["members"]
    assert [each["name"] for each in members] == ["Ann"]
    labels = older.ask("GET", "/admin/v1/channels/sms1/labels")["labels"]
    assert [each["name"] for each in labels] == ["默认联系", "Work"]
    assert older.ask("GET", "/admin/v1/templates/{template}", who="member")["name"] == "greeting"


def test_people_their_contacts_and_their_sets_are_there(older: Deployment) -> None:
    upgrade.upgrade(older.session, STAGE)
    world = older.world
    users = world.users.get(["ann", "bob", "cat#9", "7001"])
    assert users["ann"].contacts[ChannelType.APP] == {"app1": ("r-ann",)}
    assert users["7001"].attributes == {"city": "Shenzhen", "vip": 1}
    assert users["7001"].events["order"][0] == 1
    assert users["cat#9"].tags == {"all": ("vip",)}
    assert older.known["key"] in users["bob"].opt_outs[ChannelType.SMS]["13800138002"]
    path = "/admin/v1/{kind}/{{{name}}}/members"
    black = older.ask("GET", path.format(kind="lists", name="black"))
    segment = older.ask("GET", path.format(kind="segments", name="segment"))
    assert (black["userids"], segment["userids"]) == (["bob"], sorted(segment["userids"]))
    assert set(segment["userids"]) == {"ann", "cat#9"}
    found = {"type": "sms", "contact": "138-0013-8003"}
    search = older.ask("POST", "/admin/v1/users/search", found)
    assert [each["userid"] for each in search["users"]] == ["cat#9"]
    outs = world.audiences.opt_outs({ChannelType.SMS: ["13900139000"]})
    assert outs[ChannelType.SMS]["13900139000"][older.known["key"]] > 0


def test_senders_send_as_before(older: Deployment) -> None:
    upgrade.upgrade(older.session, STAGE)
    body = {
        "aud_tag": ["vip"],
        "template_id": older.known["template"],
        "template_para": {"name": "Li"},
        "app_para": {"platform": "all"},
        "rule_id": older.known["strategy"],
        "option": {"black_id": older.known["black"]},
    }
    assert older.ask("POST", "/v1/template/sent", body, "sender")["msgid"]
    credentials = older.world.records.of(DELIVERY_CHANNELS).get("app1")
    assert credentials is not None
    opened = older.world.credentials.open_credentials(credentials.sealed_credentials)
    assert opened["master_secret"] == "the secret of jpush"


def test_new_numbers_go_on_after_the_old_ones_and_names_stay_unique(older: Deployment) -> None:
    upgrade.upgrade(older.session, STAGE)
    body = {"channel_key": older.known["key"], "name": "more", "kind": "black"}
    made = older.ask("POST", "/admin/v1/lists", body)
    assert made["id"] > max(older.known["black"], older.known["white"])
    taken = older.request("POST", "/admin/v1/lists", {**body, "name": "testers"})
    assert taken.status_code == 409


def test_messages_of_then_are_gone_and_those_of_today_stay(older: Deployment) -> None:
    older.aws("dynamodb").delete_table(TableName=config.table_name(STAGE, upgrade.SINCE))
    for _ in range(2):
        upgrade.main(["--stage", STAGE, "--yes", STAGE], session_of=lambda: older.session)
    assert older.stored("messages") == []
    emulator.create_tables(older.aws, STAGE, [upgrade.SINCE])
    report = older.request("GET", "/v1/messages/{msgid}", who="sender")
    assert report.status_code == 404, report.body
    listed = older.ask("GET", "/admin/v1/messages?channel_key={key}")
    assert listed["messages"] == []
    body = {"aud_userid": ["ann"], "template_id": 1, "app_para": {"platform": "all"}}
    body["template_para"] = {"name": "Li"}
    older.ask("POST", "/v1/template/sent", body, "sender")
    assert upgrade.forget_messages(older.session, STAGE) == 0
    assert len(older.stored("messages")) == 1


def test_the_way_out_of_a_mail_of_then_still_works(older: Deployment) -> None:
    upgrade.upgrade(older.session, STAGE)
    real_container()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    path, click = f"/u/{older.known['way_out']}", b"List-Unsubscribe=One-Click"
    reply = http_api.request(app.app, "POST", path, form, click)
    assert reply.status_code == 200, reply.body
    outs = older.world.audiences.opt_outs({ChannelType.EMAIL: ["ann@example.com"]})
    assert outs[ChannelType.EMAIL]["ann@example.com"][older.known["key"]] > 0


def test_an_upgrade_that_broke_off_goes_on_and_a_repeat_changes_nothing(
    older: Deployment,
) -> None:
    moves = iter(range(3))

    def break_off(**_: Any) -> None:
        if next(moves, None) is None:
            raise KeyboardInterrupt

    event = "before-call.dynamodb.TransactWriteItems"
    events = older.aws("dynamodb").meta.events
    events.register(event, break_off)
    with pytest.raises(KeyboardInterrupt):
        upgrade.upgrade(older.session, STAGE)
    events.unregister(event, break_off)
    assert upgrade.upgrade(older.session, STAGE).number > 5
    stored = older.stored()
    assert upgrade.upgrade(older.session, STAGE) == upgrade.Moved(0, [])
    assert not upgrade.is_needed(older.session, STAGE)
    assert older.stored() == stored
    assert older.listed("lists") == ["no # sends", "testers"]


@pytest.mark.parametrize("yes", [[], ["--yes", "prod"]])
def test_an_upgrade_without_the_name_of_the_stage_only_says_what_it_would_do(
    older: Deployment, yes: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    older.aws("dynamodb").delete_table(TableName=config.table_name(STAGE, upgrade.SINCE))
    before = [older.stored(table) for table in ("settings", "messages", "users")]
    with pytest.raises(SystemExit, match=f"add --yes {STAGE}"):
        upgrade.main(["--stage", STAGE, *yes], session_of=lambda: older.session)
    assert [older.stored(table) for table in ("settings", "messages", "users")] == before
    assert f"{len(before[1])} items of messages would be deleted" in capsys.readouterr().out
    emulator.create_tables(older.aws, STAGE, [upgrade.SINCE])


def test_a_row_whose_new_key_another_one_has_is_kept_and_named(older: Deployment) -> None:
    """A list of today may have the number of one of then, where nobody upgraded in time."""
    (old,) = (
        item
        for item, new in upgrade.of_then(older.aws("dynamodb"), SETTINGS)
        if item.get("name", {}).get("S") == "testers"
    )
    taken = {**(upgrade.moved(old) or {}), "name": {"S": "of today"}}
    older.aws("dynamodb").put_item(TableName=SETTINGS, Item=taken)
    named = ["--stage", STAGE, "--yes", STAGE]
    for _ in range(2):
        with pytest.raises(SystemExit, match=old["pk"]["S"]):
            upgrade.main(named, session_of=lambda: older.session)
    assert old in older.stored()
    assert taken in older.stored()
    assert upgrade.is_needed(older.session, STAGE)


@pytest.mark.parametrize(("today", "after"), [("1", "2"), ("2", "2"), ("9", "9")])
def test_the_higher_of_two_last_numbers_stands(older: Deployment, today: str, after: str) -> None:
    dynamodb = older.aws("dynamodb")
    dynamodb.put_item(TableName=SETTINGS, Item={**_at("number#list"), "last": {"N": "2"}})
    new = _at("number#group-list")
    dynamodb.put_item(TableName=SETTINGS, Item={**new, "last": {"N": today}})
    assert upgrade.upgrade(older.session, STAGE).kept == []
    assert dynamodb.get_item(TableName=SETTINGS, Key=new)["Item"]["last"] == {"N": after}


def test_users_of_then_are_in_the_lists_of_users(older: Deployment) -> None:
    upgrade.main(["--stage", STAGE, "--yes", STAGE], session_of=lambda: older.session)
    users = older.ask("GET", "/admin/v1/users?prefix=an")["users"]
    assert [each["userid"] for each in users] == ["ann"]
