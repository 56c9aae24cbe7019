"""Each state of a target or a delivery becomes the record that UMS would send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.domain.audiences import Audience, AudienceKind
from chalicelib.domain.callbacks import OF_FACTS
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.plans import ChunkId, Plan, Target, TargetLoss
from chalicelib.manage import callbacks
from chalicelib.web import callback_format
from tests.builders import SHOP, a_plan
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld
from tests.flow.callbacks.shop import a_called_message, a_shop, add, run

AT = START + 7_000
ANN = DeliveryRef(0, "push", 0)


def told(fake: FakeWorld, *facts: Fact, **changes: Any) -> list[dict[str, Any]]:
    """Return the records of a message to Ann and to an unknown user, after these facts."""
    message = a_called_message(fake, "ann", "zoe", **changes)
    plan = a_plan(message)
    lost = Target("zoe", TargetLoss.UNKNOWN_USER, {})
    plan = Plan(plan.id, (plan.targets[0], lost), (plan.contacts[0], {}), START, None)
    fake.messages.create(message, plan, None)
    if facts:
        fake.ledger.add(ChunkId(message.msgid, 0), facts, message)
    run(fake)
    return fake.receivers.records()


def test_a_valid_and_an_invalid_target_are_reported_when_the_message_is_planned() -> None:
    fake = a_shop()
    valid, invalid = told(fake)
    msgid = valid["msgid"]
    head = {"channelkey": SHOP, "msgid": msgid, "sender": 0, "sent_time": START // 1000}
    assert valid == {"type": 0, "userid": "ann", **head}
    error = {"code": 1019201, "message": "unknown_user"}
    assert invalid == {"type": 1, "userid": "zoe", **head, "error": error}


@pytest.mark.parametrize(
    ("kind", "number", "error"),
    [
        (FactKind.SUBMITTED, 2, None),
        (FactKind.SUBMIT_FAILED, 3, 1019203),
        (FactKind.INVALID_TARGET, 3, 1019203),
        (FactKind.EXPIRED, 3, 1019203),
        (FactKind.UNKNOWN, 3, 1019203),
        (FactKind.DELIVERED, 4, None),
        (FactKind.DELIVERY_FAILED, 5, 1019205),
        (FactKind.BOUNCED, 5, 1019205),
        (FactKind.CLICKED, 6, None),
        (FactKind.WITHDRAWN, 7, None),
        (FactKind.WITHDRAW_FAILED, 8, 1019208),
    ],
)
def test_a_fact_of_a_delivery_is_reported(kind: FactKind, number: int, error: int | None) -> None:
    fake = a_shop()
    record = told(fake, Fact(ANN, kind, AT, "21"))[-1]
    assert record.pop("error", None) == (
        {"code": error, "message": f"{kind.value}:21"} if error else None
    )
    assert record == {
        "type": number,
        "channelkey": SHOP,
        "msgid": record["msgid"],
        "userid": "ann",
        "sender_id": "reg-ann",
        "sender": 1,
        "sent_time": AT // 1000,
    }


def test_facts_that_ums_has_no_type_for_are_not_reported() -> None:
    fake = a_shop()
    others = [Fact(ANN, kind, AT) for kind in FactKind if kind not in OF_FACTS]
    assert {fact.kind.value for fact in others} == {
        *("skipped", "opened", "scanned", "complained", "other")
    }
    assert {record["type"] for record in told(fake, *others)} == {0, 1}


def test_only_the_chosen_states_are_reported() -> None:
    fake = a_shop()
    callbacks.change(fake.ports, SHOP, None, {"states": (1, 4)})
    facts = (Fact(ANN, FactKind.SUBMITTED, AT), Fact(ANN, FactKind.DELIVERED, AT))
    assert [record["type"] for record in told(fake, *facts)] == [1, 4]


def test_a_message_without_callbacks_costs_no_step() -> None:
    fake = a_shop()
    message = a_called_message(fake, "ann", callback={})
    plain = a_plan(message)
    fake.messages.create(
        type(message)(**{**vars(message), "callback": {"url": "https://x.example"}}), plain, None
    )
    fake.log.clear()
    run(fake)
    assert fake.log == []


def test_records_carry_the_values_of_the_send_and_go_to_the_address_that_it_names() -> None:
    fake = a_shop()
    address, _ = add(fake, "https://other.example/x")
    params = {"name": "joe", "age": 26}
    told(fake, callback={"to": address.id, "params": params})
    assert {posted.url for posted in fake.receivers.posts} == {"https://other.example/x"}
    assert all(record["params"] == params for record in fake.receivers.records())


def test_a_target_that_is_named_by_its_contact_has_no_userid_but_its_contact() -> None:
    fake = a_shop()
    message = a_called_message(fake, "app#1", "app#2", audience=Audience(AudienceKind.CONTACTS))
    targets = (Target("app#1", None, {"push": 1}), Target("app#2", TargetLoss.OPTED_OUT, {}))
    contacts = ({"push": ("reg-1",)}, {"": ("reg-2",)})
    plan = Plan(ChunkId(message.msgid, 0), targets, contacts, START, None)
    fake.messages.create(message, plan, None)
    fake.ledger.add(plan.id, [Fact(ANN, FactKind.SUBMITTED, AT)], message)
    run(fake)
    named = [(r["type"], r["userid"], r["sender_id"]) for r in fake.receivers.records()]
    assert named == [(0, "", "reg-1"), (1, "", "reg-2"), (2, "", "reg-1")]


def test_every_channel_type_has_its_number_and_wecom_its_kind_of_corporation() -> None:
    assert set(callback_format.SENDERS) == set(ChannelType)
    fake = a_shop()
    channels = {"push": ChannelType.WECHATWK_LINKEDCORP}
    message = a_called_message(fake, "ann", channels=channels)
    targets = (Target("ann", None, {"push": 1}),)
    plan = Plan(ChunkId(message.msgid, 0), targets, ({"push": ("c/ann",)},), START, None)
    fake.messages.create(message, plan, None)
    fake.ledger.add(plan.id, [Fact(ANN, FactKind.SUBMITTED, AT)], message)
    run(fake)
    record = fake.receivers.records()[-1]
    assert (record["sender"], record["wechatwk_sender"]) == (10, 1)


def test_a_body_is_a_bare_array_in_utf8() -> None:
    fake = a_shop()
    told(fake, callback={"params": {"name": "张三"}})
    (posted,) = fake.receivers.posts
    assert posted.body.decode().startswith('[{"type":0,')
    assert "张三" in posted.body.decode()
    assert isinstance(json.loads(posted.body), list)
