"""Targets of a message over the management API: by reason, and their contacts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.members import Role
from tests.builders import (
    a_big_message,
    a_message,
    a_plan,
    a_reachable_user,
    a_user,
    at_once,
)
from tests.entrypoints.conftest import KEY, Api
from tests.entrypoints.http.admin.management import pages
from tests.entrypoints.http.admin.test_members import a_member
from tests.fakes.clock import START

PHONE = "13800001111"


def sent(api: Api) -> str:
    """A message to `ann`, whose SMS arrived, to `bob`, who was refused, and to a stranger."""
    message = a_message(
        "ann", "bob", "zoe", channel_key=KEY, accepted=START, strategy=at_once("sms")
    )
    plan = a_plan(message, users=[a_user("ann", text=PHONE), a_user("bob", text="2")])
    fake = api.fake
    fake.messages.has(message)
    fake.ledger.put_plan(plan, message)
    facts = [
        Fact(DeliveryRef(0, "text", 0), FactKind.SUBMITTED, START),
        Fact(DeliveryRef(1, "text", 0), FactKind.INVALID_TARGET, START + 5, "1003"),
    ]
    fake.ledger.add(plan.id, facts, message)
    return message.msgid


def test_targets_are_listed_by_reason_and_state_with_masked_contacts(api: Api) -> None:
    path = f"messages/{sent(api)}/targets"
    ann, bob, zoe = api.admin("GET", path).json["targets"]
    assert (ann["target"], ann["state"], ann["masked"]) == ("ann", "submitted", "138****1111")
    assert (bob["reason"], bob["why"]["zh"]) == (
        "invalid_target:1003",
        "服务商认为该联系方式有误（1003）",
    )
    assert (zoe["reason"], zoe["code"], zoe["masked"]) == ("unknown_user", None, None)
    for query, names in (
        ("reason=unknown_user", ["zoe"]),
        ("reason=invalid_target", ["bob"]),
        ("state=submitted", ["ann"]),
        ("reason=capped", []),
    ):
        answer = api.admin("GET", f"{path}?{query}").json
        assert [row["target"] for row in answer["targets"]] == names
        assert answer["cursor"] is None
    api.fake.clock.advance(1)
    assert api.admin("GET", f"messages/{'0' * 16}/targets").status == 404
    for cursor in ("AAAA", "OS05LTk", "x"):
        assert api.admin("GET", f"{path}?cursor={cursor}").status == 400


@pytest.mark.parametrize(("limit", "chunks"), [(2, 20), (1, 20), (50, 1), (3, 2)])
def test_pages_have_every_row_once_whatever_their_size(api: Api, limit: int, chunks: int) -> None:
    api.has_sizes(listed_chunks=chunks)
    message = a_big_message(5, channel_key=KEY, accepted=START)
    plan = a_plan(message)
    api.fake.messages.has(message)
    for number, part in enumerate((slice(0, 2), slice(2, 3), slice(3, 5))):
        chunk = a_plan(
            message,
            number,
            targets=plan.targets[part],
            contacts=plan.contacts[part],
            next=None if number == 2 else "more",
        )
        api.fake.ledger.put_plan(chunk, message)
    listed = pages(api, f"messages/{message.msgid}/targets?limit={limit}", "targets")
    assert [row["target"] for page in listed for row in page] == list(message.userids)


def test_contacts_are_shown_whole_to_operators_with_an_audit_entry(api: Api) -> None:
    msgid = sent(api)
    path = f"messages/{msgid}/targets/ann"
    life = api.admin("GET", path).json
    assert life["deliveries"][0]["masked"] == "138****1111"
    assert PHONE not in json.dumps(life)
    for role in (Role.READ_ONLY, Role.REVIEWER):
        _, auth = a_member(api, role.value)
        assert api.admin("POST", f"{path}/contacts", auth=auth).status == 403
    _, operator = a_member(api, Role.OPERATOR.value)
    answer = api.admin("POST", f"{path}/contacts", auth=operator)
    assert answer.json["contacts"] == [
        {"channel": "sms", "code": "text", "element": 1, "contacts": [PHONE]}
    ]
    (entry,) = [e for e in api.fake.audit.stored.values() if e.route.endswith("/contacts")]
    assert entry.ids == {"msgid": msgid, "target": "ann"}
    for missing in (f"messages/{msgid}/targets/eve", f"messages/{'0' * 16}/targets/ann"):
        assert api.admin("POST", f"{missing}/contacts").status == 404


def test_an_export_with_whole_contacts_is_in_the_audit_log(api: Api) -> None:
    msgid = sent(api)
    body: dict[str, Any] = {"msgid": msgid, "contacts": "whole"}
    assert api.admin("POST", "exports/targets", body).status == 202
    assert {"msgid": msgid, "reason": "", "contacts": "whole"} in [
        entry.ids for entry in api.fake.audit.stored.values()
    ]
    assert api.admin("POST", "exports/targets", {**body, "contacts": "all"}).status == 400


def test_the_life_cycle_has_checks_and_conditions(api: Api) -> None:
    message = a_message("ann", channel_key=KEY, accepted=START)
    api.fake.messages.has(message)
    path = f"messages/{message.msgid}/targets/ann"
    before = api.admin("GET", path).json
    assert (before["checks"], before["conditions"]) == ([], [])
    api.fake.ledger.put_plan(a_plan(message, users=[a_reachable_user("ann")]), message)
    after = api.admin("GET", path).json
    assert [check["check"] for check in after["checks"]] == ["user", "suppressions", "contacts"]
