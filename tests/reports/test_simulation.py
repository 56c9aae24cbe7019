"""A simulation says what the send would do, and writes nothing."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.access_channels import ACCESS_CHANNELS
from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, ChannelType, ReceiptMode
from chalicelib.domain.errors import BroadcastsUsedUp, UnknownStrategy
from chalicelib.domain.provider_io import ProviderIds
from chalicelib.domain.rules.caps import ANY
from chalicelib.domain.rules.schedules import Timing
from chalicelib.domain.strategies import Choice, Missing, Step, Strategy, Term
from chalicelib.domain.users import Suppression
from chalicelib.domain.warnings import Code, Warning
from chalicelib.flow import days, submit
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.rules import quiet_hours
from chalicelib.flow.rules.dry import dry
from chalicelib.ports import Document
from chalicelib.reports import message as report
from chalicelib.reports.simulation import simulate
from tests.builders import SHOP, a_channel, a_template, a_user, an_access_channel
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld, limits_of
from tests.simulation.world import PEOPLE, STRATEGY, UNKNOWN

APP, SMS, MAIL = ChannelType.APP, ChannelType.SMS, ChannelType.EMAIL
PRICES = {"push": None, "text": 0.05, "mail": 0.001}


@pytest.fixture
def fake() -> FakeWorld:
    world = FakeWorld()
    world.settings.put_access_channel(an_access_channel())
    for code, price in PRICES.items():
        world.settings.put_channel(a_channel(code, price=price))
    world.settings.put_template(a_template())
    world.settings.put_strategy(1, SHOP, "in turn", STRATEGY)
    dead = Suppression("4004", START)
    eva = replace(PEOPLE[4], undeliverable={MAIL: {"eva@example.com": dead}})
    world.users.has(*PEOPLE[:4], eva, *PEOPLE[5:])
    return world


def a_request(**changes: Any) -> SendRequest:
    fields: dict[str, Any] = {
        "channel": an_access_channel(),
        "userids": (*(person.userid for person in PEOPLE), UNKNOWN),
        "template": 1,
        "template_para": {"name": "you"},
        "app_para": {"platform": "all"},
        "rule_id": 1,
    }
    return SendRequest(**{**fields, **changes})


def simulated(fake: FakeWorld, request: SendRequest) -> dict[str, Any]:
    """Simulate, and check that nothing was written."""
    fake.writes.clear()
    answer = simulate(fake.ports, request)
    assert not fake.writes, [fake.log[number] for number in fake.writes]
    assert not fake.queues.sent
    assert not fake.messages.stored
    return answer


def test_it_has_the_users_and_losses_that_the_send_has(fake: FakeWorld) -> None:
    answer = simulated(fake, a_request())
    msgid = submit.submit(fake.ports, a_request())
    sent: Any = report.message(fake.ports, SHOP, msgid)
    users = {stage: sent["funnel"]["users"][stage] for stage in ("planned", "valid")}
    assert answer["funnel"]["users"] == users == {"planned": 8, "valid": 5}
    assert answer["losses"]["users"] == sent["losses"]["users"]
    assert answer["losses"]["users"] == {"contact_gone": 1, "no_contact": 1, "unknown_user": 1}
    assert (answer["targets"], answer["sampled"], answer["error"]) == (8, 8, 0)
    assert answer["funnel"]["channels"]["app"] == sent["funnel"]["channels"]["app"]["planned"]


def test_it_says_when_each_step_begins_and_how_many_can_be_reached_there(fake: FakeWorld) -> None:
    steps = simulated(fake, a_request())["steps"]
    assert [(step["channels"], step["begins"] - START, step["targets"]) for step in steps] == [
        (["app"], 0, 4),
        (["sms"], 60_000, 4),
        (["email"], 120_000, 4),
    ]


def test_it_has_prices_and_examples_with_masked_contacts(fake: FakeWorld) -> None:
    answer = simulated(fake, a_request())
    rows = {row["code"]: row for row in answer["deliveries"]}
    assert [row["step"] for row in answer["deliveries"]] == [1, 2, 3]
    assert (rows["push"]["deliveries"], rows["push"]["calls"], rows["push"]["cost"]) == (5, 1, 0)
    assert (rows["text"]["deliveries"], rows["text"]["cost"]) == (4, 0.2)
    assert answer["cost"] == 0.204
    assert answer["aws_usd"] > 0
    assert rows["mail"]["example"]["contact"] == "a****@example.com"
    assert rows["mail"]["example"]["content"]["text"] == "Hello you"
    assert rows["text"]["example"]["contact"] == "****"


@pytest.mark.parametrize(
    ("changes", "is_dearer"),
    [
        ({"provider_ids": ProviderIds.PER_CALL}, True),
        ({"polled_by_call": True}, False),  # many receipts in a post
        ({"receipt_modes": frozenset()}, False),  # over a connection
    ],
)
def test_it_counts_a_request_for_each_receipt_where_each_is_a_post(
    fake: FakeWorld, changes: dict[str, Any], is_dearer: bool
) -> None:
    fake.providers.text.can(**changes)
    posted: Any = simulated(fake, a_request())["aws_usd"]
    fake.records.of(DELIVERY_CHANNELS).stored["text"] = a_channel("text", receipts=ReceiptMode.POLL)
    polled: Any = simulated(fake, a_request())["aws_usd"]
    assert (posted > polled) == is_dearer


def test_what_a_send_refuses_a_simulation_refuses(fake: FakeWorld) -> None:
    with pytest.raises(UnknownStrategy):
        simulated(fake, a_request(rule_id=7))


def test_the_first_step_of_a_message_on_hold_begins_with_the_end_of_the_hold(
    fake: FakeWorld,
) -> None:
    noon = START + 4 * 3600 * 1000
    window = {"begin": "08:00", "end": "12:00", "time_zone": "Etc/UTC", "priorities": [1, 2, 3]}
    rules = {quiet_hours.RULE: {"action": "hold", "windows": [window]}}
    answer = simulated(fake, a_request(channel=an_access_channel(rules=rules)))
    assert answer["hold"] == {"until": noon, "reason": "quiet_hours"}
    assert answer["steps"][0]["begins"] == noon


def test_a_dry_counter_answers_as_a_real_one() -> None:
    for used, wanted, most in ((0, 1, 1), (1, 1, 1), (3, 2, 5), (4, 2, 5)):
        fake = FakeWorld()
        fake.counters.take("n", used, 9, 0)
        answer = dry(fake.ports).counters.take("n", wanted, most, 0)
        assert answer == fake.ports.counters.take("n", wanted, most, 0)


# -- samples


def a_crowd(fake: FakeWorld, size: int, seed: int = 0) -> int:
    """Store people of whom about a third have no phone. Return how many have one."""
    chance = random.Random(seed)
    people = [
        a_user(f"u{n}", text="" if chance.random() < 0.3 else f"1{n:05d}", tags=["vip"])
        for n in range(size)
    ]
    fake.users.stored.clear()
    fake.users.has(*people)
    return sum(bool(person.contacts) for person in people)


TO_ALL: dict[str, Any] = {"userids": (), "rule_id": 0, "everyone": True}
TEXTS = a_template(2, ("sms",))


@pytest.mark.parametrize("audience", [TO_ALL, {**TO_ALL, "everyone": False, "tags": ("vip",)}])
@pytest.mark.parametrize("partition_users", [300, 10_000])
def test_of_a_large_audience_a_sample_is_planned_and_its_error_is_stated(
    audience: dict[str, Any], partition_users: int
) -> None:
    fake = FakeWorld(limits_of(chunk_targets=100, partition_users=partition_users))
    fake.settings.put_access_channel(an_access_channel())
    fake.settings.put_channel(a_channel("text"))
    fake.settings.put_template(TEXTS)
    with_phone = a_crowd(fake, 3000)
    answer = simulated(fake, a_request(template=2, app_para={}, **audience))
    assert answer["sampled"] == 400
    assert 0.04 < answer["error"] < 0.05
    valid, planned = answer["funnel"]["users"]["valid"], answer["funnel"]["users"]["planned"]
    assert planned == answer["targets"]
    assert abs(valid / planned - with_phone / 3000) < 2 * answer["error"]
    assert valid + answer["losses"]["users"]["no_contact"] == pytest.approx(planned, abs=1)


@pytest.mark.parametrize("partition_users", [50, 10_000])
def test_a_small_audience_is_planned_whole(partition_users: int) -> None:
    fake = FakeWorld(limits_of(chunk_targets=100, partition_users=partition_users))
    fake.settings.put_access_channel(an_access_channel())
    fake.settings.put_channel(a_channel("text"))
    fake.settings.put_template(TEXTS)
    with_phone = a_crowd(fake, 170)
    answer = simulated(fake, a_request(template=2, app_para={}, **TO_ALL))
    assert (answer["targets"], answer["sampled"], answer["error"]) == (170, 170, 0)
    assert answer["funnel"]["users"] == {"planned": 170, "valid": with_phone}


def test_of_many_named_people_some_from_everywhere_are_planned(fake: FakeWorld) -> None:
    fake.limits = limits_of(chunk_targets=2)
    userids = tuple(f"nobody{n}" for n in range(13))
    answer = simulated(fake, a_request(userids=userids))
    assert (answer["targets"], answer["sampled"]) == (13, 8)
    assert answer["losses"]["users"] == {"unknown_user": 13}


# -- choice and warnings


def test_it_predicts_the_choice_of_the_cheapest_channel(fake: FakeWorld) -> None:
    cheapest = Strategy((Step((SMS, MAIL, APP), choose=Choice.CHEAPEST),))
    fake.settings.put_strategy(2, SHOP, "cheapest", cheapest)
    answer = simulated(fake, a_request(rule_id=2))
    deliveries = {row["code"]: row["deliveries"] for row in answer["deliveries"]}
    assert deliveries == {"push": 5, "mail": 1, "text": 0}  # dan has no app
    assert "sms" not in answer["losses"]["channels"]
    msgid = submit.submit(fake.ports, a_request(rule_id=2))
    life: Any = report.target(fake.ports, SHOP, msgid, "dan")
    assert [delivery["channel"] for delivery in life["deliveries"]] == ["email"]
    assert life["refused"] == {"text": "dearer"}
    sent: Any = report.message(fake.ports, SHOP, msgid)
    assert sent["balanced"]
    assert sent["funnel"]["users"]["valid"] == answer["funnel"]["users"]["valid"]


@pytest.mark.parametrize(("age", "is_chosen"), [(0, True), (29, True), (30, False)])
def test_the_best_channel_of_the_last_30_days_is_chosen_and_stays_with_the_message(
    fake: FakeWorld, age: int, is_chosen: bool
) -> None:
    best = Strategy((Step((APP, SMS), choose=Choice.BEST),))
    fake.settings.put_strategy(2, SHOP, "best", best)
    fake.settings.put_template(a_template(2, ("app", "sms")))
    day = days.day_of(fake.limits, START) - age
    counts = {"channel|sms|text|submitted": 200, "channel|sms|text|delivered": 190}
    key = days.day_key(SHOP, day)
    assert fake.figures.store([Document(key, 1, {"seen": 1, "counts": counts})])
    request = a_request(rule_id=2, template=2)
    rows = {row["code"]: row["deliveries"] for row in simulated(fake, request)["deliveries"]}
    assert (rows["text"], rows["push"]) == ((4, 2) if is_chosen else (1, 5))
    msgid = submit.submit(fake.ports, request)
    stored = fake.messages.stored[msgid]
    assert stored.rates == {"best": {"sms": 0.95} if is_chosen else {}}
    life: Any = report.target(fake.ports, SHOP, msgid, "ann")
    assert life["refused"] == ({"push": "lower_rate"} if is_chosen else {"text": "stands_later"})


def test_it_warns_of_a_condition_on_clicks_without_a_link(fake: FakeWorld) -> None:
    clicks = Strategy((Step((SMS,)), Step((MAIL,), (Term(SMS, Missing.CLICKED, 600),))))
    fake.settings.put_strategy(3, SHOP, "clicks", clicks)
    fake.settings.put_template(a_template(3, ("sms", "email")))
    fake.settings.put_template(
        a_template(4, ("sms", "email"), "{{url}} {{name}}", links=frozenset({"url"}))
    )
    request = a_request(rule_id=3, template=3, app_para={})
    assert simulated(fake, request)["warnings"] == [Warning("sms", Code.NO_LINK)]
    values = {"name": "you", "url": "https://shop.example/"}
    linked = replace(request, template=4, template_para=values)
    assert simulated(fake, linked)["warnings"] == []
    assert fake.providers.text.capabilities.provider_ids is ProviderIds.PER_RECIPIENT


# -- time


def test_a_later_step_that_is_due_in_quiet_hours_begins_when_they_end(fake: FakeWorld) -> None:
    """The first step begins at 8:00 UTC, the second is due a minute later, the third another."""
    window = {"begin": "08:01", "end": "09:30", "time_zone": "UTC", "priorities": [1, 2, 3]}
    rules = {"quiet_hours": {"action": "hold", "windows": [window]}}
    channel = an_access_channel(rules=rules)
    fake.records.of(ACCESS_CHANNELS).stored[SHOP] = channel
    steps = simulated(fake, a_request(channel=channel))["steps"]
    minutes = [(step["begins"] - START) / 60_000 for step in steps]
    assert minutes == [0, 90, 91]


def test_a_scheduled_send_is_simulated_as_of_its_first_time(fake: FakeWorld) -> None:
    timing = Timing(at="2027-03-01T09:00:00", zone="Asia/Shanghai")
    steps = simulated(fake, a_request(timing=timing))["steps"]
    first = datetime(2027, 3, 1, 1, tzinfo=UTC).timestamp() * 1000
    assert [step["begins"] - first for step in steps] == [0, 60_000, 120_000]


def test_it_says_how_many_levels_must_approve(fake: FakeWorld) -> None:
    assert simulated(fake, a_request())["reviews"] == 0


def test_the_broadcast_quota_is_judged_and_not_used(fake: FakeWorld) -> None:
    channel = an_access_channel(rules={"broadcast_quota": {"per_day": 1}})
    request = a_request(channel=channel, **TO_ALL)
    for _ in range(2):
        simulated(fake, request)
    submit.submit(fake.ports, request)
    with pytest.raises(BroadcastsUsedUp):
        simulate(fake.ports, request)


# -- caps and personal values


def test_frequency_caps_are_judged_and_count_nothing(fake: FakeWorld) -> None:
    """One message a day for each person: the send counts, and simulations do not."""
    channel = an_access_channel(rules={"caps": [[1, 24, ANY, 0, []]]})
    request = a_request(channel=channel)
    for _ in range(2):
        assert simulated(fake, request)["funnel"]["users"]["valid"] == 5
    submit.submit(fake.ports, request)
    answer = simulate(fake.ports, request)
    assert answer["funnel"]["users"] == {"planned": 8, "valid": 0}
    assert answer["losses"]["users"]["capped"] == 5


def test_an_example_has_the_values_of_its_person(fake: FakeWorld) -> None:
    text = 'Dear {{user.name|default:"friend"}}'
    fake.settings.put_template(a_template(5, ("sms",), text))
    ann = replace(PEOPLE[0], attributes={"name": "Ann"})
    fake.users.stored[ann.userid] = ann
    for userid, name in (("ann", "Ann"), ("bob", "friend")):
        request = a_request(userids=(userid,), template=5, template_para={}, app_para={}, rule_id=0)
        (row,) = simulated(fake, request)["deliveries"]
        assert row["example"]["content"]["text"] == f"Dear {name}"
