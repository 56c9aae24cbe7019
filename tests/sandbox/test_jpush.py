from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.liveness import GIVES_UP, HANG, eventually, is_recent
from tests.providers.sandboxes import Sandbox, Webhook, running, webhook

AUTH = ("key", "secret")
RECEIVED, CLICKED, UNDELIVERED = 0, 1, 2


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with running("--late", "1", "--timeout-hang", str(HANG), "--retry-after", "1") as sandbox:
        yield sandbox


@pytest.fixture
def box(started: Sandbox) -> Sandbox:
    started.clear()
    started.register("jpush", "key", webhook_url=None)
    return started


@pytest.fixture
def hook(box: Sandbox) -> Iterator[Webhook]:
    with webhook() as hook:
        box.register("jpush", "key", webhook_url=hook.url, receipt_wait=0)
        yield hook
        box.register("jpush", "key", webhook_url=None)


def body(*ids: str, **more: Any) -> dict[str, Any]:
    return {
        "platform": "all",
        "audience": {"registration_id": list(ids)},
        "notification": {"alert": "hi"},
        **more,
    }


def push(box: Sandbox, *ids: str, auth: tuple[str, str] = AUTH, **more: Any) -> requests.Response:
    return box.ask("POST", "/jpush/v3/push", json=body(*ids, **more), auth=auth)


def error(reply: requests.Response) -> tuple[int, int]:
    return reply.status_code, reply.json()["error"]["code"]


def status(box: Sandbox, msg_id: str, *ids: str) -> dict[str, int]:
    reply = box.ask(
        "POST",
        "/jpush/v3/status/message",
        json={"msg_id": int(msg_id), "registration_ids": list(ids)},
        auth=AUTH,
    )
    return {target: state["status"] for target, state in reply.json().items()}


def test_a_push_is_answered_with_texts_and_its_receipts_come_in_one_authenticated_array(
    box: Sandbox, hook: Webhook
) -> None:
    reply = push(box, "a", "b", "a", options={"sendno": 18})
    assert reply.status_code == 200
    assert reply.json() == {"sendno": "18", "msg_id": reply.json()["msg_id"]}
    assert reply.json()["msg_id"].isdecimal()
    (seen,) = eventually(lambda: list(hook.seen))
    assert base64.b64decode(seen.headers["authorization"].removeprefix("Basic ")) == b"key:secret"
    assert seen.json["appKey"] == "key"
    assert [event["registration_id"] for event in seen.json["data"]] == ["a", "b"]
    assert all(
        event["msg_id"] == reply.json()["msg_id"] and event["type"] == RECEIVED
        for event in seen.json["data"]
    )
    assert all(is_recent(event["itime"]) for event in seen.json["data"])
    assert box.sends("a") == box.sends("b") == 1


def test_arrays_hold_a_hundred_receipts_at_most(box: Sandbox, hook: Webhook) -> None:
    push(box, *(f"d{n}" for n in range(250)))
    eventually(lambda: len(hook.events()) == 250)
    assert sorted(len(seen.json["data"]) for seen in hook.seen) == [50, 100, 100]


def test_a_repeated_cid_is_answered_as_before_and_sends_nothing(
    box: Sandbox, hook: Webhook
) -> None:
    (cid,) = box.ask("GET", "/jpush/v3/push/cid", params={"type": "push"}, auth=AUTH).json()[
        "cidlist"
    ]
    first, again = push(box, "a", cid=cid), push(box, "a", cid=cid)
    assert again.json() == first.json()
    assert again.status_code == 200
    assert box.sends("a") == 1
    assert box.outcomes("a") == ["accepted", "duplicate"]
    assert push(box, "a", cid="another").json() != first.json()
    assert box.sends("a") == 2
    assert box.get("calls", provider="jpush")["totals"]["jpush"]["repeated"] == {"a": 2}
    eventually(lambda: len(hook.events()) == 2)


def test_cids_belong_to_the_application_and_ten_are_the_most(box: Sandbox) -> None:
    cids = box.ask(
        "GET", "/jpush/v3/push/cid", params={"type": "push", "count": 1000}, auth=AUTH
    ).json()["cidlist"]
    assert len(set(cids)) == 10
    assert all(cid.startswith("key-") for cid in cids)
    assert error(box.ask("GET", "/jpush/v3/push/cid", params={"count": 0}, auth=AUTH)) == (
        400,
        1003,
    )


def test_a_refused_device_is_dropped_from_a_mixed_push_and_fails_a_push_of_its_own(
    box: Sandbox, hook: Webhook
) -> None:
    msg_id = push(box, "good", "bad-reject").json()["msg_id"]
    eventually(lambda: hook.events())
    assert status(box, msg_id, "good", "bad-reject", "other") == {
        "good": 0,
        "bad-reject": 2,
        "other": 3,
    }
    alone = push(box, "bad-reject", "worse-reject")
    assert error(alone) == (400, 1011)
    assert isinstance(alone.json()["msg_id"], int)
    assert box.sends("bad-reject") == 0
    assert [event["registration_id"] for event in hook.events()] == ["good"]


def test_undelivered_silent_and_clicked_devices_are_told_apart_by_events_and_states(
    box: Sandbox, hook: Webhook
) -> None:
    msg_id = push(box, "a-undelivered", "a-silent", "a-click").json()["msg_id"]
    eventually(lambda: len(hook.events()) == 3)
    kinds = [(event["registration_id"], event["type"]) for event in hook.events()]
    assert kinds == [("a-undelivered", UNDELIVERED), ("a-click", RECEIVED), ("a-click", CLICKED)]
    assert status(box, msg_id, "a-undelivered", "a-silent", "a-click") == {
        "a-undelivered": 1,
        "a-silent": 1,
        "a-click": 0,
    }
    (report,) = box.ask(
        "GET", "/jpush/v3/received/detail", params={"msg_ids": f"{msg_id},1"}, auth=AUTH
    ).json()
    assert report == {"msg_id": msg_id, "jpush_received": 1}


def test_a_late_receipt_comes_late(box: Sandbox, hook: Webhook) -> None:
    msg_id = push(box, "a-late", "b").json()["msg_id"]
    eventually(lambda: len(hook.events()) == 2)
    assert [event["registration_id"] for event in hook.events()] == ["b", "a-late"]
    assert status(box, msg_id, "a-late") == {"a-late": 0}


def test_a_late_receipt_is_missing_until_it_comes() -> None:
    with running("--late", "3600") as box:
        box.register("jpush", "key", receipt_delay=0)
        msg_id = push(box, "a-late", "b").json()["msg_id"]
        assert status(box, msg_id, "a-late", "b") == {"a-late": 1, "b": 0}


def test_double_receipts_come_before_the_answer_backwards_and_once_more_after_it(
    box: Sandbox, hook: Webhook
) -> None:
    msg_id = push(box, "a-double", "b", "c-double").json()["msg_id"]
    assert any("double" in seen.body for seen in list(hook.seen))  # before the answer
    eventually(lambda: len(hook.events()) == 5)
    early, late = [seen for seen in hook.seen if "double" in seen.body]
    assert [event["registration_id"] for event in early.json["data"]] == ["c-double", "a-double"]
    assert early.json["data"] == late.json["data"]
    assert all(event["msg_id"] == msg_id for event in hook.events())
    assert box.sends("a-double") == 1


def test_a_flaky_device_fails_the_whole_push_once(box: Sandbox) -> None:
    assert error(push(box, "a-flaky", "b")) == (500, 1000)
    assert box.sends("b") == 0
    assert push(box, "a-flaky", "b").status_code == 200
    assert push(box, "a-flaky").status_code == 200
    assert box.outcomes("a-flaky") == ["failed", "accepted", "accepted"]
    box.clear()
    assert error(push(box, "a-flaky")) == (500, 1000)


def test_a_throttled_device_brings_429_with_a_hint_once(box: Sandbox) -> None:
    reply = push(box, "a-throttle")
    assert error(reply) == (429, 2002)
    assert reply.headers["Retry-After"] == reply.headers["X-Rate-Limit-Reset"] == "1"
    assert push(box, "a-throttle").status_code == 200
    assert box.outcomes("a-throttle") == ["throttled", "accepted"]


def test_a_push_that_times_out_was_accepted_and_its_cid_tells_so(
    box: Sandbox, hook: Webhook
) -> None:
    with pytest.raises(requests.Timeout):
        requests.post(
            box.url + "/jpush/v3/push",
            json=body("a-timeout", "b", cid="x"),
            auth=AUTH,
            timeout=GIVES_UP,
        )
    assert push(box, "a-timeout", "b", cid="x").status_code == 200
    assert box.outcomes("b") == ["timeout", "duplicate"]
    assert box.sends("b") == 1
    eventually(lambda: len(hook.events()) == 2)
    assert push(box, "a-timeout").status_code == 200


def test_one_push_can_meet_one_trouble_after_the_other(box: Sandbox) -> None:
    ids = ("a-flaky", "b-throttle", "c-flaky")
    assert [push(box, *ids).status_code for _ in range(3)] == [429, 500, 200]


def test_a_push_may_be_silent(box: Sandbox) -> None:
    silent = {"android": {"alert": ""}, "ios": {"alert": "", "badge": "+1"}}
    assert push(box, "a", notification=silent).status_code == 200


def test_a_phone_number_decides_by_its_last_four_digits_anywhere(box: Sandbox) -> None:
    assert push(box, "13800000005").status_code == 500


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"platform": "symbian"}, (400, 1003)),
        ({"audience": {"registration_id": []}}, (400, 1003)),
        ({"audience": {"registration_id": ["a", ""]}}, (400, 1003)),
        ({"audience": {"registration_id": [str(n) for n in range(1001)]}}, (400, 1012)),
        ({"audience": {"device": ["a"]}}, (400, 1009)),
        ({"audience": "all"}, (400, 1011)),
        ({"notification": {}}, (400, 1002)),
        ({"notification": {"android": {"title": "t"}}}, (400, 1002)),
        ({"notification": {"hmos": {"alert": ""}}}, (400, 1002)),
        ({"notification": {"alert": "x" * 4000}}, (400, 1005)),
        ({"message": {"title": "t"}}, (400, 1002)),
        ({"options": {"time_to_live": -1}}, (400, 1003)),
        ({"options": {"sendno": 0}}, (400, 1003)),
        ({"cid": ""}, (400, 1003)),
    ],
)
def test_what_breaks_a_rule_gets_the_vendors_code_and_sends_nothing(
    box: Sandbox, change: Any, expected: tuple[int, int]
) -> None:
    assert error(box.ask("POST", "/jpush/v3/push", json=body("a") | change, auth=AUTH)) == expected
    assert box.get("sends") == {}


@pytest.mark.parametrize("missing", ["platform", "audience", "notification"])
def test_a_missing_part_is_named(box: Sandbox, missing: str) -> None:
    reply = box.ask(
        "POST",
        "/jpush/v3/push",
        json={name: part for name, part in body("a").items() if name != missing},
        auth=AUTH,
    )
    assert error(reply) == (400, 1002)
    assert missing in reply.json()["error"]["message"]


def test_validation_checks_like_a_push_and_sends_nothing(box: Sandbox) -> None:
    assert box.ask("POST", "/jpush/v3/push/validate", json=body("a"), auth=AUTH).status_code == 200
    assert error(box.ask("POST", "/jpush/v3/push/validate", data=b"{", auth=AUTH)) == (400, 1003)
    assert box.sends("a") == 0


def test_wrong_credentials_and_methods_get_the_vendors_codes(box: Sandbox) -> None:
    assert error(push(box, "a", auth=("key", "wrong"))) == (401, 1004)
    assert error(box.ask("POST", "/jpush/v3/push", json=body("a"))) == (401, 1004)
    assert error(
        box.ask("POST", "/jpush/v3/push", json=body("a"), headers={"Authorization": "Basic !"})
    ) == (401, 1004)
    assert error(box.ask("GET", "/jpush/v3/received/detail", auth=("key", "wrong"))) == (401, 3001)
    assert error(box.ask("GET", "/jpush/v3/push", auth=AUTH)) == (405, 1001)
    assert box.ask("GET", "/jpush/v3/nowhere", auth=AUTH).status_code == 404
    assert push(box, "a", auth=("unregistered", "anything")).status_code == 200


def test_a_withdrawn_push_sends_no_more_receipts() -> None:
    with running("--late", str(HANG)) as box, webhook() as hook:
        box.register("jpush", "key", webhook_url=hook.url, receipt_wait=0)
        msg_id = push(box, "a-late", "b").json()["msg_id"]
        eventually(lambda: len(hook.events()) == 1)
        assert box.ask("DELETE", f"/jpush/v3/push/{msg_id}", auth=AUTH).status_code == 200
        assert error(box.ask("DELETE", "/jpush/v3/push/1", auth=AUTH)) == (400, 1003)
        assert box.get("receipts")["jpush"]["pending"] == 0
        assert status(box, msg_id, "a-late", "b") == {"a-late": 1, "b": 0}


def test_an_account_may_have_a_limit_per_minute(box: Sandbox) -> None:
    box.register("jpush", "limited", rate_limit=1)
    replies = [
        push(box, "a", auth=("limited", "secret")) for _ in range(3)
    ]  # three: a minute may end meanwhile
    refused = [reply for reply in replies if reply.status_code == 429]
    assert refused
    assert 0 < int(refused[0].headers["X-Rate-Limit-Reset"]) <= 60
    assert refused[0].headers["X-Rate-Limit-Quota"] == "1"
