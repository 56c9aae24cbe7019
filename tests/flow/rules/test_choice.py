"""The choice of a channel on the way of a message: by own rates, or by what people prefer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.rules.topics import Preferences, stored
from chalicelib.domain.strategies import Choice, Step, Strategy
from chalicelib.domain.topics import TOPICS, Topic
from chalicelib.flow import reach, submit
from chalicelib.manage import access_channels
from chalicelib.reports import message as report
from tests.builders import SHOP, a_message, a_plan, a_template, at_once
from tests.fakes.clock import START
from tests.simulation.world import Simulation

APP, SMS = ChannelType.APP, ChannelType.SMS
SUBMITTED, DELIVERED = (FactKind.SUBMITTED,), (FactKind.SUBMITTED, FactKind.DELIVERED)
SWITCH = ("choice", {"own_rates": True})


def a_simulation(choose: Choice = Choice.BEST, rules: Sequence[Any] = ()) -> Simulation:
    simulation = Simulation(strategy=Strategy((Step((APP, SMS), choose=choose),)))
    world = simulation.world
    if rules:
        access_channels.set_rule(world.ports, SHOP, None, *rules)
    world.settings.put_template(a_template(2, ("app", "sms")))
    world.records.of(TOPICS).put(Topic(1, SHOP, "Offers"))
    world.forget_steps()
    return simulation


def earlier(simulation: Simulation, kind: str, code: str, kinds: Sequence[FactKind]) -> None:
    """Keep the reach of an earlier message to ann on one channel."""
    number = 100 + len(simulation.world.marks.of(reach.name_of(SHOP, "ann")))
    at = START - number * 1000
    message = a_message("ann", number=number, accepted=at, strategy=at_once(kind), rated=True)
    facts = tuple(Fact(DeliveryRef(0, code, 0), fact, at) for fact in kinds)
    reach.keep(simulation.world.ports, [(message, Chunk(a_plan(message), reported=facts))])


def life(simulation: Simulation, *userids: str, **changes: Any) -> dict[str, Any]:
    access = simulation.world.settings.access_channel(SHOP)
    request = replace(simulation.request(), channel=access, userids=userids or ("ann",), template=2)
    msgid = submit.submit(simulation.world.ports, replace(request, **changes))
    return report.target(simulation.world.ports, SHOP, msgid, (userids or ("ann",))[0])


def choice_of(shown: Mapping[str, Any]) -> tuple[str, str | None]:
    (choice,) = shown["choices"]
    assert choice["step"] == 1
    assert choice["zh"]
    assert choice["en"]
    return choice["channel"], choice["reason"]


def test_the_channel_that_did_better_for_the_person_is_chosen_and_the_life_cycle_says_so() -> None:
    simulation = a_simulation(rules=SWITCH)
    for _ in range(3):
        earlier(simulation, "app", "push", SUBMITTED)
        earlier(simulation, "sms", "text", DELIVERED)
    shown = life(simulation)
    assert choice_of(shown) == ("sms", "lower_own_rate")
    assert shown["refused"] == {"push": "lower_own_rate"}
    assert choice_of(life(simulation, "bob")) == ("app", "stands_later")


def test_fewer_than_three_messages_are_not_a_rate_of_the_person() -> None:
    simulation = a_simulation(rules=SWITCH)
    for _ in range(2):
        earlier(simulation, "sms", "text", DELIVERED)
    assert choice_of(life(simulation)) == ("app", "stands_later")


def test_who_can_be_reached_on_one_channel_only_leaves_no_choice() -> None:
    simulation = a_simulation(rules=SWITCH)
    assert choice_of(life(simulation, "dan")) == ("sms", None)
    assert not any(name.startswith("marks.") for name in simulation.world.log)


def test_own_rates_that_are_not_kept_are_neither_written_nor_read() -> None:
    simulation = a_simulation()
    assert choice_of(life(simulation)) == ("app", "stands_later")
    simulation.run()
    assert not any(name.startswith("marks.") for name in simulation.world.log)
    assert not any(message.rated for message in simulation.world.messages.stored.values())


def test_messages_to_registration_ids_have_no_own_rates() -> None:
    simulation = a_simulation(rules=SWITCH)
    access = simulation.world.settings.access_channel(SHOP)
    request = replace(
        simulation.request(), channel=access, userids=(), contacts={SMS: ("1",)}, rule_id=0
    )
    msgid = submit.submit(simulation.world.ports, request)
    assert not simulation.world.messages.stored[msgid].rated


def test_what_a_person_prefers_for_the_topic_is_chosen() -> None:
    simulation = a_simulation(Choice.PREFERENCE)
    users = simulation.world.users.stored
    for userid, first in (("ann", "sms"), ("bob", "email")):
        raw = {SHOP: stored(Preferences({1: ("app", "sms")}, None, {1: first}))}
        users[userid] = replace(users[userid], preferences=raw)
    assert choice_of(life(simulation, topic=1)) == ("sms", "less_preferred")
    assert choice_of(life(simulation, "bob", topic=1)) == ("app", "stands_later")
    assert choice_of(life(simulation, "cem", topic=1)) == ("app", "stands_later")
    assert choice_of(life(simulation)) == ("app", "stands_later")
    assert life(simulation, rule_id=0)["choices"] == []


def test_a_preferred_channel_that_is_not_wanted_is_not_chosen() -> None:
    simulation = a_simulation(Choice.PREFERENCE)
    users = simulation.world.users.stored
    raw = {SHOP: stored(Preferences({1: ("app",)}, None, {1: "sms"}))}
    users["ann"] = replace(users["ann"], preferences=raw)
    shown = life(simulation, topic=1)
    assert (choice_of(shown), shown["refused"]) == (("app", None), {"text": "unwanted"})
