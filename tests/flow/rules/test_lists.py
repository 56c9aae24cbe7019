"""Lists and suppressions leave out users and named contacts, each by its own reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain import audiences
from chalicelib.domain.consents import RULE, Consent
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.groups import GROUPS, Family, Group
from chalicelib.domain.plans import TargetLoss
from chalicelib.domain.rules import callbacks
from chalicelib.domain.topics import TOPICS, Topic
from chalicelib.domain.users import ALL, Bindings, UserChange
from chalicelib.flow import submit, suppressions
from chalicelib.manage import list_contacts, users
from tests.builders import SHOP, an_access_channel
from tests.simulation.world import Simulation

SMS, EMAIL = ChannelType.SMS, ChannelType.EMAIL
ANN, BOB, CEM = "13900001111", "13900002222", "13900003333"


def a_simulation() -> Simulation:
    simulation = Simulation()
    for number, kind in ((3, "black"), (4, "white")):
        group = Group(Family.LIST, number, SHOP, f"list {number}", kind)
        simulation.world.records.of(GROUPS[Family.LIST]).put(group)
    return simulation


def losses(simulation: Simulation, **changes: object) -> list[TargetLoss | None]:
    simulation.world.messages.stored.clear()
    request = replace(simulation.request(), **changes)
    submit.submit(simulation.world.ports, request)
    simulation.run()
    return [target.loss for chunk in simulation.chunks() for target in chunk.plan.targets]


def named(simulation: Simulation, *contacts: str, **changes: object) -> list[TargetLoss | None]:
    of_type = {SMS: contacts} if "@" not in contacts[0] else {EMAIL: contacts}
    return losses(simulation, userids=(), rule_id=0, contacts=of_type, **changes)


def test_contacts_of_a_list_match_in_every_spelling() -> None:
    simulation = a_simulation()
    ports = simulation.world.ports
    assert list_contacts.change(ports, 3, [(SMS, "+86 139-0000-1111")], []) == (1, 0)
    assert list_contacts.change(ports, 4, [(SMS, BOB)], [(SMS, CEM)]) == (1, 1)
    assert list_contacts.holds(ports, 3, SMS, ANN)
    assert named(simulation, ANN, BOB, black_id=3) == [TargetLoss.BLACKLISTED, None]
    assert named(simulation, ANN, BOB, white_id=4) == [TargetLoss.NOT_WHITELISTED, None]
    assert named(simulation, ANN, BOB) == [None, None]
    list_contacts.change(ports, 3, [], [(SMS, ANN)])
    assert named(simulation, ANN, black_id=3) == [None]


def test_users_of_a_list_do_not_touch_messages_to_contacts_and_the_other_way_round() -> None:
    simulation = a_simulation()
    world = simulation.world
    world.audiences.change(audiences.listing(3), ["ann"])
    list_contacts.change(world.ports, 3, [(SMS, "1002")], [])
    assert losses(simulation, userids=("ann", "bob"), black_id=3) == [TargetLoss.BLACKLISTED, None]
    assert named(simulation, ANN, black_id=3) == [None]


@pytest.mark.parametrize("priority", list(Priority))
def test_a_suppressed_contact_gets_nothing_from_anybody(priority: Priority) -> None:
    simulation = a_simulation()
    ports = simulation.world.ports
    suppressions.suppress(ports, SMS, "+86 " + ANN)
    suppressions.suppress(ports, EMAIL, "ANN@Example.com")
    assert named(simulation, ANN, BOB, priority=priority) == [TargetLoss.SUPPRESSED, None]
    mails = ("ann@example.com", "b@example.com")
    assert named(simulation, *mails, priority=priority) == [TargetLoss.SUPPRESSED, None]
    suppressions.suppress(ports, SMS, ANN, lift=True)
    assert named(simulation, ANN, priority=priority) == [None]


def test_users_follow_the_suppression_of_their_contact_and_keep_the_others() -> None:
    simulation = a_simulation()
    world = simulation.world
    suppressions.suppress(world.ports, SMS, "1004")
    assert losses(simulation, userids=("dan",)) == [None]
    assert "1004" not in world.providers.text.sent()
    suppressions.suppress(world.ports, EMAIL, "dan@example.com")
    assert losses(simulation, userids=("dan",)) == [TargetLoss.SUPPRESSED]
    gained = UserChange("new", set=Bindings({EMAIL: {ALL: ("dan@example.com",)}}))
    assert users.change(world.ports, [gained]) == {}
    assert losses(simulation, userids=("new",)) == [TargetLoss.SUPPRESSED]
    suppressions.suppress(world.ports, EMAIL, "dan@example.com", lift=True)
    assert losses(simulation, userids=("new", "dan")) == [None, None]


def test_an_opt_out_stays_when_a_suppression_is_lifted() -> None:
    simulation = a_simulation()
    ports, time = simulation.world.ports, simulation.world.clock.now()
    suppressions.set_opt_out(ports, SMS, ANN, [SHOP], out=True, time=time, code="TD")
    suppressions.suppress(ports, SMS, ANN)
    suppressions.suppress(ports, SMS, ANN)
    suppressions.suppress(ports, SMS, ANN, lift=True)
    assert suppressions.suppressed_since(ports, SMS, ANN) is None
    assert named(simulation, ANN) == [TargetLoss.OPTED_OUT]


def test_where_nothing_is_suppressed_a_mail_of_priority_1_reads_no_contacts() -> None:
    simulation = a_simulation()
    simulation.world.log.clear()
    named(simulation, "ann@example.com", priority=Priority.HIGH)
    assert "audiences.opted" not in simulation.world.log


@pytest.mark.parametrize(
    ("rules", "changes"),
    [
        ({"caps": [[1, 24, "sms", 0, [1]]]}, {}),
        ({RULE: {"purpose": "marketing", "exempt": [1]}}, {}),
        ({}, {"topic": 1}),
    ],
)
def test_a_lost_contact_that_callbacks_name_passes_every_rule(
    rules: dict[str, Any], changes: dict[str, Any]
) -> None:
    simulation = a_simulation()
    world = simulation.world
    to = callbacks.CallbackSettings(True, default="a", addresses=(callbacks.Address("a", "x"),))
    access = an_access_channel(rules={**rules, callbacks.STEM: callbacks.written(to)})
    world.records.of(TOPICS).put(Topic(1, SHOP, "Offers"))
    world.consents.put(SMS, CEM, SHOP, "marketing", Consent(True, 5))
    suppressions.suppress(world.ports, SMS, ANN)
    world.audiences.set_opt_out(SMS, BOB, [SHOP], 5, True)
    lost = [TargetLoss.SUPPRESSED, TargetLoss.OPTED_OUT, None]
    assert named(simulation, ANN, BOB, CEM, channel=access, **changes) == lost
    plan = simulation.chunks()[0].plan
    assert [dict(of) for of in plan.contacts] == [{"": (ANN,)}, {"": (BOB,)}, {"text": (CEM,)}]
