"""Idempotency keys: a repeated request sends nothing."""

from __future__ import annotations

import json

import pytest

from tests.entrypoints.conftest import KEY, OTHER, Api, message
from tests.entrypoints.http.ums.sends import ANDROID, ordinary


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
