"""A message of an A/B test goes to its part of the audience, whatever the audience is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Clickable
from chalicelib.domain.rules.ab_tests import BUCKETS, Split
from chalicelib.domain.users import ALL
from chalicelib.flow import audience, submit
from chalicelib.flow.draft import draft
from chalicelib.flow.requests import SendRequest
from chalicelib.manage import callbacks
from chalicelib.reports import message as report
from chalicelib.reports.simulation import simulate
from tests.builders import SHOP, a_channel, a_reachable_user, a_template, an_access_channel
from tests.fakes.world import FakeWorld, limits_of
from tests.flow.callbacks import shop

PEOPLE = [f"u{n:03d}" for n in range(90)]
PHONES = [f"138001380{n:02d}" for n in range(60)]
# Three messages: a and those who are held out, b, and the rest.
A = Split("t", "a", 0, 3000, 9000)
B = Split("t", "b", 3000, 5000)
REST = Split("t", "b", 5000, 9000)
SPLITS = (A, B, REST)


@pytest.fixture
def fake() -> FakeWorld:
    fake = FakeWorld(limits_of(chunk_targets=7))
    fake.settings.put_access_channel(an_access_channel())
    for code in ("push", "text", "mail"):
        fake.settings.put_channel(a_channel(code))
    fake.settings.put_template(a_template(channels=("sms",)))
    people = map(a_reachable_user, PEOPLE)
    fake.users.has(*(replace(person, tags={ALL: ("vip",)}) for person in people))
    return fake


def request(split: Split | None, access: AccessChannel | None = None, **to: Any) -> SendRequest:
    para = {"template_para": {"name": "you"}}
    return SendRequest(channel=access or an_access_channel(), template=1, split=split, **to, **para)


def targets(fake: FakeWorld, split: Split | None, **to: Any) -> dict[str, str | None]:
    """Send, plan every chunk, and return the targets with their losses."""
    msgid = submit.submit(fake.ports, request(split, **to))
    message = fake.messages.stored[msgid]
    while (envelope := fake.queues.take()) is not None:
        if hasattr(envelope.job, "position"):
            audience.plan(fake.ports, envelope.job)
    found: dict[str, str | None] = {}
    for first in message.first_chunks:
        number: int | None = first
        while number is not None:
            plan = fake.ledger.plan(ChunkId(msgid, number), message)
            assert plan is not None
            found |= {target.id: target.loss for target in plan.targets}
            number = message.chunk_after(number) if plan.next is not None else None
    assert report.message(fake.ports, SHOP, msgid)["balanced"]
    return found


@pytest.mark.parametrize(
    "to",
    [
        {"userids": (*PEOPLE, "nobody", "no-one")},
        {"everyone": True},
        {"tags": ("vip",)},
        {"tags": ("vip",), "userids": ("nobody", PEOPLE[3])},
        {"contacts": {ChannelType.SMS: PHONES}},
    ],
)
def test_each_person_is_a_target_of_one_message(fake: FakeWorld, to: dict[str, Any]) -> None:
    whole = targets(fake, None, **to)
    a, b, rest = (targets(fake, split, **to) for split in SPLITS)
    assert Counter([*a, *b, *rest]) == Counter(whole.keys())
    assert {target for target in a if A.holds_out(target)} == {
        target for target, loss in a.items() if loss == "holdout"
    }
    others = {target: loss for target, loss in {**a, **b, **rest}.items() if loss != "holdout"}
    assert others == {target: whole[target] for target in others}
    assert 0 < sum(loss == "holdout" for loss in a.values()) < len(whole) / 4


def test_who_is_held_out_is_so_whatever_else_is_wrong(fake: FakeWorld) -> None:
    held = Split("t", "a", 0, 0, 0)
    assert targets(fake, held, userids=("nobody", "u001")) == {
        "nobody": "holdout",
        "u001": "holdout",
    }


def test_a_part_without_anybody_is_a_message_that_is_finished(fake: FakeWorld) -> None:
    nobody = Split("t", "a", 0, 0)
    assert targets(fake, nobody, userids=tuple(PEOPLE[:5])) == {}
    assert targets(fake, nobody, everyone=True) == {}
    for msgid in fake.messages.stored:
        assert report.message(fake.ports, SHOP, msgid)["funnel"]["users"]["planned"] == 0


def test_callbacks_name_a_contact_that_is_held_out(fake: FakeWorld) -> None:
    shop.add(fake)
    callbacks.change(fake.ports, SHOP, None, {"enabled": True})
    access = fake.settings.access_channel(SHOP)
    held = Split("t", "a", 0, 0, 0)
    message, contacts = draft(
        fake.ports, request(held, access, contacts={ChannelType.SMS: PHONES[:1]})
    )
    fake.messages.create(message, None, None, contacts)
    plan = audience.make_plan(fake.ports, message, 0, "")
    assert plan.targets[0].loss == "holdout"
    assert plan.contacts == ({"": (PHONES[0],)},)


def test_clicks_that_are_compared_are_counted_for_each_person(fake: FakeWorld) -> None:
    """A call for each person is made there, although calls share one content."""
    fake.providers.text.capabilities = replace(
        fake.providers.text.capabilities,
        clickable=Clickable(("card.url",)),
        content_per_recipient=False,
    )
    card = {"text": "t", "card": {"url": "https://shop.example.com"}}
    fake.settings.put_template(a_template(5, contents={ChannelType.SMS: card}))
    many = tuple(f"u{n:03d}" for n in range(200))

    def call_size(split: Split | None) -> int:
        send = replace(request(split, userids=many), template=5, template_para={})
        return draft(fake.ports, send).message.call_sizes["text"]

    assert call_size(B) == call_size(None) > 1
    assert call_size(B._replace(clicks=True)) == 1


def test_a_part_costs_the_requests_of_any_message(fake: FakeWorld) -> None:
    def requests(split: Split | None) -> list[str]:
        fake.log.clear()
        submit.submit(fake.ports, request(split, userids=tuple(PEOPLE[:3])))
        return list(fake.log)

    assert requests(Split("t", "a", 0, BUCKETS)) == requests(None)


@pytest.mark.parametrize("split", SPLITS)
def test_a_simulation_tells_the_size_of_a_part(fake: FakeWorld, split: Split) -> None:
    people = [f"p{n:04d}" for n in range(1500)]
    fake.users.has(*map(a_reachable_user, people))
    answer = simulate(fake.ports, request(split, everyone=True))
    assert answer["targets"] == pytest.approx(split.share * 1590, rel=0.1)
    held = answer["losses"]["users"].get("holdout", 0)
    expected = answer["targets"] / 4 if split is A else 0
    assert abs(held - expected) <= max(answer["targets"] * 0.3, 1) * bool(split is A)
