"""Preferences on the way of a message: what people do not want is left out, with a reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.plans import ChunkId, Target
from chalicelib.domain.rules.topics import Preferences, QuietTime, refusal_key, stored
from chalicelib.domain.topics import TOPICS, Topic
from chalicelib.domain.users import User
from chalicelib.flow import preferences, single, submit
from chalicelib.flow.preferences import Person
from chalicelib.flow.requests import SendRequest
from tests.builders import SHOP, a_strategy, a_template, an_access_channel
from tests.simulation.world import Simulation

SMS, EMAIL = ChannelType.SMS, ChannelType.EMAIL
ALWAYS = QuietTime("00:00", "24:00", "Asia/Shanghai")
OFFERS = Topic(1, SHOP, "Offers")


def a_simulation(*kinds: str, topic: Topic = OFFERS) -> Simulation:
    kinds = kinds or ("sms", "email")
    simulation = Simulation(strategy=a_strategy(",".join(kinds)))
    simulation.world.settings.put_template(a_template(2, kinds))
    simulation.world.records.of(TOPICS).put(topic)
    simulation.world.forget_steps()
    return simulation


def wanting(
    simulation: Simulation,
    topics: Mapping[int, tuple[str, ...]],
    quiet: QuietTime | None = None,
) -> None:
    users: dict[str, User] = simulation.world.users.stored
    raw = {SHOP: stored(Preferences(topics, quiet))}
    users["ann"] = replace(users["ann"], preferences=raw)


def sent_to(simulation: Simulation, **changes: Any) -> Target:
    fields = {"userids": ("ann",), "topic": 1, "rule_id": 1, **changes}
    para = {"template_para": {"name": "you"}, "app_para": {"platform": "all"}}
    request = SendRequest(channel=an_access_channel(), template=2, **fields, **para)
    msgid = submit.submit(simulation.world.ports, request)
    message = simulation.world.messages.stored[msgid]
    chunk = single.chunk_of(simulation.world.ports, ChunkId(msgid, 0), message)
    assert chunk is not None
    (target,) = chunk.plan.targets
    return target


def test_a_topic_is_left_out_where_it_is_not_wanted() -> None:
    simulation = a_simulation()
    wanting(simulation, {1: ("email",)})
    target = sent_to(simulation)
    assert (target.loss, dict(target.contacts)) == (None, {"mail": 1})
    assert target.refused == {"text": "unwanted"}


def test_who_wants_it_on_no_channel_is_lost() -> None:
    simulation = a_simulation()
    wanting(simulation, {1: ()})
    assert sent_to(simulation).loss == "unwanted"


def test_a_topic_to_choose_goes_only_to_those_who_chose_it() -> None:
    topic = replace(OFFERS, opt_in=True)
    assert sent_to(a_simulation(topic=topic)).loss == "unwanted"
    simulation = a_simulation(topic=topic)
    wanting(simulation, {1: ("sms",)})
    assert dict(sent_to(simulation).contacts) == {"text": 1}


def test_choices_for_a_topic_do_not_touch_messages_without_one() -> None:
    simulation = a_simulation()
    wanting(simulation, {1: ()})
    assert sent_to(simulation, topic=0).loss is None


def test_in_a_quiet_time_nothing_rings() -> None:
    simulation = a_simulation()
    wanting(simulation, {}, ALWAYS)
    target = sent_to(simulation, topic=0)
    assert (dict(target.contacts), target.refused) == ({"mail": 1}, {"text": "quiet_time"})
    only = a_simulation("sms")
    wanting(only, {}, ALWAYS)
    assert sent_to(only).loss == "quiet_time"


def test_what_is_urgent_rings_at_any_time() -> None:
    simulation = a_simulation("sms")
    wanting(simulation, {}, ALWAYS)
    assert sent_to(simulation, priority=Priority.HIGH).loss is None


def test_a_contact_without_a_user_opts_out_of_a_topic() -> None:
    simulation = a_simulation("sms")
    key, phone = refusal_key(SHOP, 1), "13800138000"
    to = {"userids": (), "contacts": {SMS: [phone]}, "rule_id": 0}
    assert sent_to(simulation, **to).loss is None
    simulation = a_simulation("sms")
    simulation.world.audiences.set_opt_out(SMS, phone, [key], 5, True)
    assert sent_to(simulation, **to).loss == "unwanted"


def test_preferences_cost_no_request_for_users() -> None:
    plain, chosen = a_simulation(), a_simulation()
    wanting(chosen, {1: ("email", "sms")}, QuietTime("00:00", "00:00", "Asia/Shanghai"))
    for simulation in (plain, chosen):
        sent_to(simulation)
    assert plain.world.log == chosen.world.log


def test_a_mail_of_a_topic_leads_to_the_readers_choices() -> None:
    simulation = a_simulation("email")
    sent_to(simulation)
    simulation.run()
    (taken,) = simulation.world.providers.mail.taken
    found = re.search(r"https://ums\.example\.com/p/([\w-]+)", taken.content["text"])
    assert found is not None
    page = preferences.page(simulation.world.ports, found[1])
    number = page.person.template
    assert page.person == Person(SHOP, "ann", EMAIL, "ann@example.com", number)
    assert number > 0
    assert page.chosen == {(1, kind) for kind in ("app", "sms", "email")}
    for _ in range(2):  # a repeat leaves nothing more
        saved = preferences.save(simulation.world.ports, found[1], {(1, "sms")}, ALWAYS, {})
        assert (saved.chosen, saved.quiet) == ({(1, "sms")}, ALWAYS)
    left = [(o.channel_type, o.way, o.template) for o in simulation.world.users.opted_out]
    assert left == [("app", "preferences", number), ("email", "preferences", number)]


def test_a_mail_without_a_topic_has_no_such_link() -> None:
    simulation = a_simulation("email")
    sent_to(simulation, topic=0)
    simulation.run()
    assert "/p/" not in simulation.world.providers.mail.taken[0].content["text"]


def test_a_contact_without_a_user_chooses_on_the_page_too() -> None:
    simulation = a_simulation()
    ports = simulation.world.ports
    token = preferences.token(ports.vault, Person(SHOP, "", EMAIL, "who@example.com"))
    assert preferences.page(ports, token).chosen == {(1, "email")}
    assert preferences.save(ports, token, (), None, {}).chosen == frozenset()
    assert [out.channel_type for out in simulation.world.users.opted_out] == ["email"]
    simulation.world.clock.advance(1)
    assert preferences.save(ports, token, {(1, "email")}, None, {}).chosen == {(1, "email")}
