"""Callbacks of an access channel through the management API."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.callbacks import BatchState
from chalicelib.flow.callbacks import deliver
from chalicelib.ports import Reply
from tests.entrypoints.conftest import KEY, OTHER_KEY, SECRET, SENDER, Api, message
from tests.entrypoints.http.admin.management import change, pages, problem
from tests.flow.callbacks import shop

URL = "https://shop.example/callbacks"
OF = f"access-channels/{KEY}/callbacks"
BASIC = {"url": URL, "secret": SECRET}


def add(api: Api, **body: Any) -> dict[str, Any]:
    reply = api.admin("POST", f"{OF}/addresses", {**BASIC, **body})
    assert reply.status == 201, reply.body
    return dict(reply.json)


def switch_on(api: Api) -> str:
    id = str(add(api)["id"])
    assert change(api, OF, {"enabled": True}).status == 200
    return id


def sent(api: Api) -> str:
    reply = api.send(message(aud_userid=["nobody", "noone"]))
    assert reply.code == 0, reply.body
    return str(reply.json["msgid"])


def test_an_address_is_shown_without_its_secrets(configured: Api) -> None:
    assert configured.admin("GET", OF).json["addresses"] == []
    added = add(configured)
    assert added["signing_secret"].startswith("whsec_")
    shown = configured.admin("GET", OF)
    assert shown.json["addresses"] == [
        {
            "id": added["id"],
            "url": URL,
            "auth": "basic",
            "retries": "ums",
            "paused": False,
            "default": True,
        }
    ]
    assert SECRET not in str(shown.json)
    assert shown.headers["ETag"] == f'"{shown.json["version"]}"'
    stored = configured.fake.settings.access_channel(KEY)
    assert SECRET not in str(stored)
    assert stored is not None
    assert SECRET not in str(stored.rules)


def test_an_address_is_changed_paused_and_deleted(configured: Api) -> None:
    first, second = add(configured)["id"], add(configured, url="https://b.example")["id"]
    path = f"{OF}/addresses/{second}"
    changed = change(configured, path, {"auth": "signature", "retries": "long", "paused": True})
    assert changed.json["addresses"][1] == {
        "id": second,
        "url": "https://b.example",
        "auth": "signature",
        "retries": "long",
        "paused": True,
        "default": False,
    }
    problem(configured, "DELETE", f"{OF}/addresses/{first}", status=409, field="id")
    assert len(configured.admin("DELETE", path).json["addresses"]) == 1
    problem(configured, "DELETE", path, status=404)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://shop.example"}, "url"),
        ({"url": ""}, "url"),
        ({"url": "https://" + "x" * 2041}, "url"),
        ({"secret": ""}, "secret"),
        ({"secret": "a b"}, "secret"),
        ({"secret": "x" * 129}, "secret"),
        ({"auth": "none"}, "auth"),
        ({"retries": "never"}, "retries"),
        ({"paused": True}, "paused"),
    ],
)
def test_a_wrong_address_is_refused_with_its_field(
    configured: Api, body: dict[str, Any], field: str
) -> None:
    problem(configured, "POST", f"{OF}/addresses", {**BASIC, **body}, field=field)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"states": []}, "states"),
        ({"states": [9]}, "states[0]"),
        ({"default": "x"}, "default"),
        ({"more": 1}, "more"),
    ],
)
def test_a_wrong_change_is_refused_with_its_field(
    configured: Api, body: dict[str, Any], field: str
) -> None:
    problem(configured, "PATCH", OF, body, headers={"If-Match": "*"}, field=field)


def test_states_are_chosen_and_an_unknown_default_is_not_found(configured: Api) -> None:
    assert change(configured, OF, {"states": [4, 1, 4]}).json["states"] == [1, 4]
    headers = {"If-Match": "*"}
    problem(configured, "PATCH", OF, {"default": "00000000"}, headers=headers, status=404)


def test_a_send_names_an_address_of_its_access_channel_or_none(configured: Api) -> None:
    switch_on(configured)
    for callback in ({}, {"url": URL}, {"url": URL, "params": {"a": 1}}):
        assert configured.send(message(callback=callback)).code == 0
    refused = configured.send(message(callback={"url": "https://else.example"}))
    assert (refused.status, refused.code) == (400, 1019061)
    assert "callback.url" in refused.json["message"]


def test_a_send_names_any_address_where_callbacks_are_off(configured: Api) -> None:
    add(configured)
    assert configured.send(message(callback={"url": "https://else.example"})).code == 0


def test_batches_are_listed_read_and_replayed(configured: Api) -> None:
    switch_on(configured)
    fake = configured.fake
    fake.receivers.answer = lambda url: Reply(500)
    msgid = sent(configured)
    shop.run(fake)
    (batch,) = configured.admin("GET", f"{OF}/batches").json["batches"]
    assert (batch["state"], batch["records"], batch["tries"]) == ("failed", 2, 4)
    assert [attempt["status"] for attempt in batch["attempts"]] == [500] * 4
    whole = configured.admin("GET", f"{OF}/batches/{batch['id']}").json
    assert [record["msgid"] for record in whole["body"]] == [msgid, msgid]
    fake.receivers.answer = lambda url: Reply(200)
    times = {"since": batch["time"] - 1000, "until": batch["time"] + 1000}
    assert configured.admin("POST", f"{OF}/replay", times).status == 202
    shop.run(fake)
    assert [b.state for b in fake.callbacks.batches()] == [BatchState.DELIVERED]
    other = f"access-channels/{OTHER_KEY}/callbacks/batches"
    assert configured.admin("GET", other).json["batches"] == []
    problem(configured, "GET", f"{other}/{batch['id']}", status=404)


def test_a_list_of_batches_comes_in_pages_and_by_time(configured: Api) -> None:
    switch_on(configured)
    for _ in range(3):
        sent(configured)
        shop.run(configured.fake)
        configured.fake.clock.advance(10)
    first = configured.admin("GET", f"{OF}/batches?limit=2").json
    rest = configured.admin("GET", f"{OF}/batches?limit=2&cursor={first['cursor']}").json
    ids = [batch["id"] for batch in (*first["batches"], *rest["batches"])]
    assert len({*ids}) == 3
    assert rest["cursor"] is None
    middle = first["batches"][1]["time"]
    later = configured.admin("GET", f"{OF}/batches?since={middle + 1}").json["batches"]
    assert [batch["id"] for batch in later] == ids[2:]
    before = configured.admin("GET", f"{OF}/batches?until={middle}").json["batches"]
    assert [batch["id"] for batch in before] == ids[:1]
    listed = pages(configured, f"{OF}/batches?limit=2&order=newest", "batches")
    assert [batch["id"] for page in listed for batch in page] == ids[::-1]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"since": 2, "until": 1}, "until"),
        ({"since": 1, "until": 2, "states": ["x"]}, "states[0]"),
        ({"since": -1, "until": 2}, "since"),
        ({"since": 1}, "until"),
    ],
)
def test_a_wrong_replay_is_refused(configured: Api, body: dict[str, Any], field: str) -> None:
    problem(configured, "POST", f"{OF}/replay", body, field=field)


def test_a_test_of_an_address_waits_for_its_echo(configured: Api) -> None:
    id = switch_on(configured)
    fake = configured.fake

    def work() -> None:
        envelope = fake.queues.take()
        if envelope is not None:
            shop.handle(fake, deliver.Round([]), envelope.job)  # type: ignore[arg-type]

    fake.clock.while_asleep.append(work)
    assert configured.admin("POST", f"{OF}/addresses/{id}/test").json["status"] == "ok"
    fake.receivers.echo = lambda text: Reply(200, "", b"hello")
    failed = configured.admin("POST", f"{OF}/addresses/{id}/test").json
    assert (failed["status"], failed["code"]) == ("failed", "wrong_echo")
    fake.clock.while_asleep.clear()
    assert configured.admin("POST", f"{OF}/addresses/{id}/test").status == 202


def test_a_new_signing_secret_is_shown_once(configured: Api) -> None:
    added = add(configured, auth="both")
    path = f"{OF}/addresses/{added['id']}/secret"
    made = configured.admin("POST", path, {"grace": 60})
    assert made.json["signing_secret"] != added["signing_secret"]
    assert configured.admin("GET", OF).json == {
        name: value for name, value in made.json.items() if name not in ("id", "signing_secret")
    }


@pytest.mark.parametrize("path", ["", "/batches", "/batches/x", "/addresses/x/test"])
def test_senders_cannot_reach_the_callbacks_routes(configured: Api, path: str) -> None:
    method = "POST" if path.endswith("test") else "GET"
    reply = configured.admin(method, OF + path, auth=SENDER)
    assert reply.status == 401
