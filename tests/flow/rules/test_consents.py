"""Consent: a message that needs it goes to contacts that gave it, and to no others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chalicelib.domain.consents import RULE, Consent
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.plans import Target
from chalicelib.domain.topics import TOPICS
from chalicelib.flow import submit
from chalicelib.flow.requests import SendRequest
from tests.builders import SHOP, an_access_channel
from tests.flow.rules.test_topics import OFFERS, a_simulation
from tests.simulation.world import Simulation

SMS, EMAIL = ChannelType.SMS, ChannelType.EMAIL
YES, NO = Consent(True, 5, "form", "2026-05"), Consent(False, 9)
MARKETING = {RULE: {"purpose": "marketing", "exempt": [1]}}


def sent_to(simulation: Simulation, **changes: Any) -> Target:
    access = an_access_channel(rules=changes.pop("rules", MARKETING))
    fields = {"userids": ("ann",), "rule_id": 1, **changes}
    para = {"template_para": {"name": "you"}, "app_para": {"platform": "all"}}
    request = SendRequest(channel=access, template=2, **fields, **para)
    submit.submit(simulation.world.ports, request)
    (target,) = simulation.chunks()[0].plan.targets
    return target


def test_without_consent_a_person_is_lost_with_a_reason() -> None:
    target = sent_to(a_simulation())
    assert target.loss == "no_consent"
    assert target.refused == {"text": "no_consent", "mail": "no_consent"}


def test_a_contact_that_agreed_gets_it_and_the_others_do_not() -> None:
    simulation = a_simulation()
    simulation.world.consents.put(SMS, "1001", SHOP, "marketing", YES)
    simulation.world.consents.put(EMAIL, "ann@example.com", SHOP, "research", YES)
    simulation.world.consents.put(EMAIL, "ann@example.com", "other", "marketing", YES)
    target = sent_to(simulation)
    assert (target.loss, dict(target.contacts)) == (None, {"text": 1})
    assert target.refused == {"mail": "no_consent"}


def test_the_last_word_counts() -> None:
    simulation = a_simulation("sms")
    for consent in (YES, NO, YES):
        simulation.world.consents.put(SMS, "1001", SHOP, "marketing", consent)
    assert sent_to(simulation).loss == "no_consent"


def test_of_several_contacts_on_a_channel_only_those_that_agreed_are_kept() -> None:
    simulation = a_simulation("app")
    simulation.world.consents.put(ChannelType.APP, "reg-fay2-silent", SHOP, "marketing", YES)
    sent_to(simulation, userids=("fay",))
    plan = simulation.chunks()[0].plan
    assert plan.targets[0].contacts == {"push": 1}
    assert plan.contacts[0] == {"push": ("reg-fay2-silent",)}


def test_a_topic_may_need_a_purpose_of_its_own() -> None:
    simulation = a_simulation("sms")
    records = simulation.world.records.of(TOPICS)
    topic = records.get(1)
    assert topic is not None
    records.update(topic, replace(topic, purpose="offers", version=2))
    simulation.world.consents.put(SMS, "1001", SHOP, "marketing", YES)
    assert sent_to(simulation, topic=OFFERS.number).loss == "no_consent"


def test_exempt_priorities_and_access_channels_without_the_rule_need_none() -> None:
    assert sent_to(a_simulation(), priority=Priority.HIGH).loss is None
    simulation = a_simulation()
    assert sent_to(simulation, rules={}).loss is None
    assert "consents.agreed" not in simulation.world.log
