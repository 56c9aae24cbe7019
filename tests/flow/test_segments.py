"""Segments by rules: whom a message reaches, and which requests that takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.audiences import Audience, AudienceKind, tag
from chalicelib.domain.consents import Consent
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.groups import GROUPS, Family, Group
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Plan, TargetLoss
from chalicelib.domain.traces import DAY, Event, Interacted, Interaction
from chalicelib.domain.users import ALL, User, UserChange
from chalicelib.flow import audience, draft, segments
from chalicelib.flow.requests import SendRequest
from chalicelib.manage import access_channels, events, users
from chalicelib.reports.simulation import simulate
from tests.builders import (
    SHOP,
    a_channel,
    a_message,
    a_template,
    a_user,
    an_access_channel,
    at_once,
)
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld, limits_of

RICH = {"attribute": "points", "is": "at_least", "value": 100}


@pytest.fixture
def fake() -> FakeWorld:
    world = FakeWorld(limits_of(chunk_targets=5))
    for code in ("push", "text", "mail"):
        world.settings.put_channel(a_channel(code))
    world.settings.put_access_channel(an_access_channel())
    world.settings.put_template(a_template())
    for n in range(20):
        user = a_user(f"u{n:02d}", text=f"1390000{n:04d}", tags=["vip"] if n == 3 else [])
        world.users.has(replace(user, attributes={"points": 10 * n}))
    return world


def a_message_by(rule: Mapping[str, Any], *named: str, **changes: Any) -> Message:
    sets = changes.pop("sets", ())
    whole = Audience(AudienceKind.SETS, sets, rule=rule, segment=5)
    message = a_message(strategy=at_once("sms"))
    return replace(message, userids=named, audience=whole, **changes)


def plans(fake: FakeWorld, message: Message) -> list[Plan]:
    made, position = [audience.make_plan(fake.ports, message, 0, "")], ""
    while (position := made[-1].next or "") != "":
        made.append(audience.make_plan(fake.ports, message, len(made), position))
    return made


def reached(fake: FakeWorld, message: Message) -> Counter[str]:
    return Counter(t.id for plan in plans(fake, message) for t in plan.targets if not t.loss)


def test_a_message_goes_to_the_members_of_its_segment(fake: FakeWorld) -> None:
    assert reached(fake, a_message_by(RICH)) == Counter(f"u{n}" for n in range(10, 20))


def test_tags_and_named_users_join_the_members(fake: FakeWorld) -> None:
    message = a_message_by(RICH, "u01", "u12", "nobody", sets=(tag(ALL, "vip"),))
    made = plans(fake, message)
    losses = {t.id: t.loss for plan in made for t in plan.targets}
    assert losses.pop("nobody") is TargetLoss.UNKNOWN_USER
    assert losses == dict.fromkeys(["u01", "u03", *(f"u{n}" for n in range(10, 20))])
    assert sum(len(plan.targets) for plan in made) == len(losses) + 1


def test_a_restricted_access_channel_reaches_only_its_own_users(fake: FakeWorld) -> None:
    access_channels.change(fake.ports, SHOP, None, {"restricted": True})
    own = fake.users.stored["u15"]
    contacts = {ChannelType.SMS: {SHOP: ("13900000015",)}}
    fake.users.stored["u15"] = replace(own, contacts=contacts)
    assert reached(fake, a_message_by(RICH, restricted=True)) == Counter(["u15"])
    assert members(fake, RICH) == {"u15"}


def test_few_members_are_found_among_many_users(fake: FakeWorld) -> None:
    fake.limits = limits_of(chunk_targets=5, chunk_pages=2)
    rule = {"attribute": "points", "is": "equals", "value": 190}
    made = plans(fake, a_message_by(rule))
    assert len(made) > 1, "a chunk ends after some pages"
    assert [t.id for plan in made for t in plan.targets] == ["u19"]


def test_a_deleted_access_channel_has_no_members(fake: FakeWorld) -> None:
    assert segments.members(fake.ports, "gone", RICH, list(fake.users.stored.values())) == []


def members(fake: FakeWorld, rule: Mapping[str, Any]) -> set[str]:
    page = fake.users.scan(range(256), "", 100)
    return {user.userid for user in segments.members(fake.ports, SHOP, rule, page)}


def test_a_contact_under_the_default_label_reaches_its_user(fake: FakeWorld) -> None:
    channel = fake.settings.channel("text")
    assert channel is not None
    labels = {ChannelType.SMS: {"text": {channel.default_label: "13900001111"}}}
    fake.users.has(User("new", labels=labels))
    assert reached(fake, a_message_by({"contact": "sms"}, labels=_labels(fake)))["new"] == 1
    assert "new" not in members(fake, {"not": {"contact": "sms"}})


def _labels(fake: FakeWorld) -> dict[str, tuple[str, ...]]:
    channels = (fake.settings.channel(code) for code in ("push", "text", "mail"))
    return {channel.code: channel.labels_to_try() for channel in channels if channel is not None}


def requests_of(fake: FakeWorld, rule: Mapping[str, Any]) -> list[str]:
    page, before = fake.users.scan(range(256), "", 100), len(fake.log)
    segments.members(fake.ports, SHOP, rule, page)
    steps = [step for step in fake.log[before:] if not step.endswith(".done")]
    return [step for step in steps if not step.startswith("records.")]  # which are cached


def test_a_rule_on_users_alone_reads_nothing_besides(fake: FakeWorld) -> None:
    rule = {"all": [RICH, {"tag": "vip"}, {"contact": "app"}, {"event": "order", "days": 7}]}
    assert requests_of(fake, rule) == []


def test_what_a_rule_asks_for_besides_is_read_once_for_a_page(fake: FakeWorld) -> None:
    order = {"event": "order", "days": 7, "at_least": 2}
    sent = {"message": "sent", "days": 7}
    rule = {"all": [{"consent": "marketing"}, order, {"not": order}, sent]}
    assert requests_of(fake, rule) == [
        "consents.agreed",
        "traces.logs_between",
        "traces.interactions_between",
    ]


def test_consents_events_and_interactions_count(fake: FakeWorld) -> None:
    ports = fake.ports
    ports.consents.put(ChannelType.SMS, "13900000001", SHOP, "marketing", Consent(True, START))
    assert members(fake, {"consent": "marketing"}) == {"u01"}
    assert members(fake, {"consent": "marketing", "contact": "email"}) == set()
    orders = [Event("order", START - n * DAY, "", {"amount": 100 * n}) for n in (1, 2, 9)]
    assert events.record(ports, [("u02", order) for order in orders]) == {}
    assert members(fake, {"event": "order", "days": 7, "at_least": 2}) == {"u02"}
    assert members(fake, {"event": "order", "days": 7, "at_least": 3}) == set()
    large = {"property": "amount", "is": "more", "value": 500}
    assert members(fake, {"event": "order", "where": [large]}) == {"u02"}
    assert members(fake, {"event": "order", "where": [large], "days": 7}) == set()
    clicked = Interacted(Interaction.CLICKED, START // DAY - 3, 1, 0)
    ports.traces.interact(SHOP, [("u03", clicked)])
    ports.traces.interact("other", [("u04", clicked)])
    assert members(fake, {"message": "clicked", "days": 3}) == {"u03"}
    assert members(fake, {"message": "clicked", "days": 2}) == set()


def a_request() -> SendRequest:
    return SendRequest(
        channel=an_access_channel(),
        segment=5,
        template=1,
        template_para={"name": "you"},
        app_para={"platform": "all"},
    )


def test_the_rule_is_frozen_with_the_message(fake: FakeWorld) -> None:
    segment = Group(Family.SEGMENT, 5, SHOP, "rich", "rules", rule=RICH)
    fake.records.of(GROUPS[Family.SEGMENT]).put(segment)
    made = draft.draft(fake.ports, a_request()).message
    assert (made.audience.rule, made.audience.segment, made.audience.sets) == (RICH, 5, ())


def test_a_simulation_estimates_the_members(fake: FakeWorld) -> None:
    segment = Group(Family.SEGMENT, 5, SHOP, "rich", "rules", rule=RICH)
    fake.records.of(GROUPS[Family.SEGMENT]).put(segment)
    told = simulate(fake.ports, a_request())
    assert told["targets"] == 10
    assert told["funnel"]["users"]["planned"] == 10


def test_events_of_a_deleted_user_are_forgotten(fake: FakeWorld) -> None:
    events.record(fake.ports, [("eva", Event("order", START))])
    users.delete(fake.ports, ["eva"])
    users.change(fake.ports, [UserChange("eva", events=(Event("order", START - DAY),))])
    assert len(events.of_user(fake.ports, "eva", "order")) == 1
