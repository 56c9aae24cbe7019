"""Every element of a message that a delivery channel can send is sent and accounted for."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
from chalicelib.domain.facts import DeliveryRef, FactKind
from chalicelib.domain.jobs import TimerKind
from chalicelib.flow import clicks, poll, receipts
from chalicelib.flow.content import render
from chalicelib.flow.requests import SendRequest
from chalicelib.reports import message as report
from tests.builders import SHOP, an_access_channel
from tests.fakes.clock import START
from tests.fakes.steps import Killed
from tests.profiles import examples
from tests.simulation.world import PEOPLE, Simulation

PAGE = "https://shop.example.com/a"
PUSHES = [{"text": "first"}, {"text": "second"}]
TEXTS = [{"text": "first"}, {"text": "second"}, {"text": "third"}]
MAILS = [{"subject": "s", "text": f'<a href="{PAGE}">{n}</a>', "html": True} for n in (1, 2)]
ELEMENTS = {ChannelType.APP: PUSHES, ChannelType.SMS: TEXTS, ChannelType.EMAIL: MAILS}


class Lists(Simulation):
    """A simulation whose message has lists of several elements, without a strategy."""

    def request(self) -> SendRequest:
        people = tuple(p.userid for p in PEOPLE)
        return SendRequest(channel=an_access_channel(), userids=people, contents=ELEMENTS)


def sent(simulation: Simulation, code: str) -> Counter[tuple[str, str]]:
    provider = getattr(simulation.world.providers, code)
    return Counter((t.contact, t.content["text"]) for t in provider.taken)


def check(simulation: Simulation) -> None:
    """Check that everybody got every element once, and that the report says so."""
    simulation.world.spare()
    shown: Any = simulation.report()
    assert shown["status"] == "finished"
    assert shown["balanced"]
    for code, elements, people in (("push", PUSHES, 5), ("text", TEXTS, 4)):
        expected = {
            (contact, element["text"]): 1
            for contact in {t.contact for t in getattr(simulation.world.providers, code).taken}
            for element in elements
        }
        assert sent(simulation, code) == expected
        assert len(expected) == people * len(elements)
    funnel = shown["funnel"]["channels"]
    assert {kind: funnel[kind]["submitted"] for kind in funnel} == {
        "app": 10,
        "sms": 12,
        "email": 10,
    }
    delivered = {kind: funnel[kind]["delivered"] for kind in funnel}
    assert delivered == {"app": 4, "sms": 9, "email": 10}


@pytest.mark.parametrize("options", [{}, {"twice": True}, {"early": True}])
def test_each_element_is_sent_to_everybody_once(options: dict[str, Any]) -> None:
    simulation = Lists(**options)
    simulation.submit()
    simulation.run()
    check(simulation)


@given(seed=st.integers(0, 10_000))
@examples(10)
def test_a_worker_that_ends_anywhere_loses_no_element(seed: int) -> None:
    chance = random.Random(seed)
    simulation = Lists(order=chance)
    simulation.submit()
    left = [chance.randrange(200) for _ in range(3)]

    def end(number: int, _name: str) -> None:
        if left and number >= left[0]:
            left.pop(0)
            raise Killed

    simulation.world.on_step = end
    simulation.run()
    assert simulation.report()["balanced"]
    assert not [ref for chunk in simulation.chunks() for ref in _pending(simulation, chunk)]


def _pending(simulation: Simulation, chunk: Any) -> list[DeliveryRef]:
    message = simulation.world.messages.stored[simulation.msgid or ""]
    return [ref for _, _, ref in chunk.refs(message) if not chunk.state_of(ref).ended]


def test_the_life_of_a_target_tells_its_elements_apart() -> None:
    simulation = Lists()
    simulation.submit()
    simulation.run()
    life = report.target(simulation.world.ports, SHOP, simulation.msgid or "", "dan")
    shown = [(d["code"], d["element"], d["contact"]) for d in life["deliveries"]]
    assert sorted(shown) == [
        *(("mail", n, 1) for n in (1, 2)),
        *(("text", n, 1) for n in (1, 2, 3)),
    ]
    ids = {d["provider_id"] for d in life["deliveries"] if d["code"] == "text"}
    assert len(ids) == 3


def test_a_receipt_belongs_to_its_element() -> None:
    simulation = Lists()
    simulation.submit()
    while envelope := simulation.world.queues.take():
        simulation._work(envelope)
    for code, content in (("push", "second"), ("text", "third")):
        provider = getattr(simulation.world.providers, code)
        taken = next(t for t in provider.taken if t.content["text"] == content)
        reports = provider.receipts(receipts.ReceiptKind.DELIVERED, START, taken.contact)
        of_element = [r for r in reports if r.provider_id == taken.provider_id]
        receipts.record(simulation.world.ports, code, of_element)
    assert simulation.contacts("push", FactKind.DELIVERED) == set()
    assert len(simulation.contacts("push-2", FactKind.DELIVERED)) == 1
    assert len(simulation.contacts("text-3", FactKind.DELIVERED)) == 1
    assert simulation.contacts("text", FactKind.DELIVERED) == set()


def test_a_click_belongs_to_its_element() -> None:
    simulation = Lists()
    simulation.submit()
    world = simulation.world
    message = world.messages.stored[simulation.msgid or ""]
    chunk, (name,) = simulation.chunks()[0], message.links
    ref = DeliveryRef(0, "mail-2", 0)
    token = render.link_token(world.vault, message, chunk.plan.id, ref, name)
    assert clicks.follow_link(world.ports, token) == PAGE
    assert simulation.chunks()[0].state_of(ref).clicked


def test_each_element_is_recalled() -> None:
    simulation = Lists()
    simulation.submit()
    while envelope := simulation.world.queues.take():
        simulation._work(envelope)
    simulation.withdraw()
    while envelope := simulation.world.queues.take():
        simulation._work(envelope)
    recalled = Counter(contact for _, contact in simulation.world.providers.push.recalled)
    assert set(recalled.values()) == {2}
    for code in ("push", "push-2"):
        assert len(simulation.contacts(code, FactKind.WITHDRAWN)) == 5


def test_each_element_is_polled_for() -> None:
    simulation = Lists()
    world = simulation.world
    before = world.settings.channel("push")
    assert before is not None
    world.settings.update_channel(before, replace(before, receipts=ReceiptMode.POLL, version=2))
    simulation.submit()
    while envelope := world.queues.take():
        simulation._work(envelope)
    asked: list[str] = []
    world.providers.push.of_session["poll"] = lambda _, ids: asked.extend(ids) or ()
    for timer in [t for t in world.timers.waiting() if t.kind is TimerKind.POLL]:
        poll.poll_chunk(world.ports, timer)
    assert len(set(asked)) == 2
