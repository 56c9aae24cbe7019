"""Statistics over the management API: every figure follows from the facts of some messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from chalicelib.domain import figures as domain
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.notes import Note
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import days
from chalicelib.flow import figures as figures_step
from chalicelib.flow.content import email
from tests.builders import a_channel, a_message, a_plan, a_reachable_user
from tests.entrypoints.conftest import KEY, OTHER_KEY, Api
from tests.fakes.clock import START

HOUR = 3_600_000
TODAY = "2027-01-15"  # of START, 16:00 in the deployment's zone


def happened(api: Api, *, number: int, at: int, kinds: Sequence[FactKind], key: str = KEY) -> None:
    """A message to `ann` and `zoe`, whom nobody knows. Facts are 30 s apart, from its begin on."""
    fake = api.fake
    message = a_message("ann", "zoe", number=number, channel_key=key, accepted=at, template=(3, 1))
    plan = a_plan(message, users=[a_reachable_user("ann")])
    fake.messages.has(message)
    ref = DeliveryRef(0, "push", 0)
    facts = tuple(Fact(ref, kind, at + 30_000 * n, "") for n, kind in enumerate(kinds))
    at_chunk = ChunkId(message.msgid, 0)
    notes = [Note(at_chunk, message), Note(at_chunk, plan), Note(at_chunk, facts)]
    figures_step.note(fake.ports, notes)


def counted(api: Api, *, folded: bool = True) -> None:
    fake = api.fake
    while fake.timers.rows:
        fake.clock.time = max(fake.clock.now(), fake.timers.next() or 0)
        for timer in fake.timers.waiting():
            if timer.kind == "figures":
                figures_step.count_blocks(fake.ports, [timer])
            elif folded:
                days.fold(fake.ports, [timer])
            fake.timers.forget([timer])
    fake.clock.time = START


SUBMITTED = (FactKind.SUBMITTED,)
CLICKED = (FactKind.SUBMITTED, FactKind.DELIVERED, FactKind.CLICKED)
FAILED = (FactKind.SUBMITTED, FactKind.DELIVERY_FAILED)


@pytest.fixture
def sent(api: Api) -> Api:
    """Three messages today, at 15:00 and 16:00, and one yesterday. One of another tenant."""
    api.fake.settings.put_channel(a_channel("push"))
    happened(api, number=1, at=START - HOUR, kinds=CLICKED)
    happened(api, number=2, at=START, kinds=FAILED)
    happened(api, number=3, at=START, kinds=SUBMITTED)
    happened(api, number=4, at=START - 24 * HOUR, kinds=CLICKED)
    happened(api, number=5, at=START, kinds=(FactKind.INVALID_TARGET,), key=OTHER_KEY)
    counted(api)
    return api


def get(api: Api, path: str, **query: Any) -> Any:
    text = "&".join(f"{name}={value}" for name, value in query.items())
    answer = api.admin("GET", f"statistics{path}?{text}")
    assert answer.status == 200, answer.json
    return answer.json


def stages(planned: int, valid: int, submitted: int, delivered: int, clicked: int) -> Any:
    return {
        "planned": planned,
        "valid": valid,
        "submitted": submitted,
        "delivered": delivered,
        "clicked": clicked,
        "delivery_rate": round(delivered / submitted, 6) if submitted else None,
        "click_rate": round(clicked / delivered, 6) if delivered else None,
    }


def test_figures_of_a_day_count_messages_by_the_day_on_which_they_were_sent(sent: Api) -> None:
    (today,) = get(sent, "", channel_key=KEY)["figures"]
    assert today == {
        "time": TODAY,
        "requests": 3,
        "users": stages(6, 3, 3, 1, 1),
        "deliveries": stages(3, 3, 3, 1, 1),
        "cost": 0,
        "opted_out": 0,
    }
    listed = get(sent, "", channel_key=KEY, since="2027-01-10", until=TODAY)["figures"]
    assert [(day["time"], day["requests"]) for day in listed] == [("2027-01-14", 1), (TODAY, 3)]


def test_sums_of_days_lag_and_the_two_newest_days_do_not(sent: Api) -> None:
    happened(sent, number=6, at=START - 72 * HOUR, kinds=SUBMITTED)
    counted(sent)
    for number, hours in ((7, 72), (8, 24), (9, 0)):
        happened(sent, number=number, at=START - hours * HOUR, kinds=SUBMITTED)
    counted(sent, folded=False)
    stretch = {"channel_key": KEY, "since": "2026-02-01", "until": TODAY}
    listed = {day["time"]: day["requests"] for day in get(sent, "", **stretch)["figures"]}
    assert listed == {"2027-01-12": 1, "2027-01-14": 2, TODAY: 4}
    (month,) = get(sent, "", **stretch, by="month")["figures"]
    assert (month["time"], month["requests"]) == ("2027-01", 7)
    until = {**stretch, "until": "2027-01-13"}
    assert [day["requests"] for day in get(sent, "", **until)["figures"]] == [1]


def test_hours_are_those_of_the_zone(sent: Api) -> None:
    def hours(zone: str) -> list[str]:
        found = get(sent, "", channel_key=KEY, by="hour", zone=zone, since=TODAY, until=TODAY)
        return [hour["time"] for hour in found["figures"]]

    assert hours("Asia/Shanghai") == ["2027-01-15T15:00+08:00", "2027-01-15T16:00+08:00"]
    assert hours("Asia/Kathmandu") == ["2027-01-15T12:00+05:45", "2027-01-15T13:00+05:45"]
    assert hours("America/New_York") == ["2027-01-15T02:00-05:00", "2027-01-15T03:00-05:00"]


@pytest.mark.parametrize(
    ("of", "part"),
    [
        ("channel_type", "app"),
        ("delivery_channel", "push"),
        ("platform", "push"),
        ("template", "3"),
    ],
)
def test_figures_are_split_by_channel_platform_and_template(sent: Api, of: str, part: str) -> None:
    (row,) = get(sent, "", channel_key=KEY, of=of, by="total")["parts"]
    expected = (6, 3, 3, 1, 1) if of == "template" else (3, 3, 3, 1, 1)
    opted_out = 0 if of in ("channel_type", "template") else None
    extras = {"opened": 0, "scanned": 0, "complained": 0, "cost": 0, "opted_out": opted_out}
    assert row == {"time": TODAY, "part": part, **extras, **stages(*expected)}


def test_opt_outs_are_counted_by_access_channel_type_template_and_day(sent: Api) -> None:
    for number in range(2):
        contact = f"ann{number}@example.com"
        of = (sent.fake.ports.vault, ChannelType.EMAIL, KEY, contact, 3)
        for _ in range(2):
            email.unsubscribe(sent.world, email.unsubscribe_token(*of))
    counted(sent)
    today = {"channel_key": KEY, "since": TODAY, "until": TODAY}
    (total,) = get(sent, "", **today)["figures"]
    assert (total["time"], total["opted_out"]) == (TODAY, 2)
    parts = {
        of: {row["part"]: row["opted_out"] for row in get(sent, "", of=of, **today)["parts"]}
        for of in ("channel_type", "template", "platform")
    }
    assert parts == {
        "channel_type": {"app": 0, "email": 2},
        "template": {"3": 2},
        "platform": {"push": None},
    }
    (other,) = get(sent, "", channel_key=OTHER_KEY)["figures"]
    assert other["opted_out"] == 0
    (everybody,) = get(sent, "")["figures"]
    assert everybody["opted_out"] == 2


def test_the_deployment_has_the_figures_of_all_access_channels(sent: Api) -> None:
    (today,) = get(sent, "")["figures"]
    assert today["requests"] == 4
    assert today["deliveries"] == stages(4, 3, 3, 1, 1)


def test_the_overview_counts_reports_in_the_hour_in_which_they_came(sent: Api) -> None:
    overview = get(sent, "/today", channel_key=KEY)
    assert [(hour["time"][11:13], hour["deliveries_clicked"]) for hour in overview["trend"]] == [
        ("15", 1),
        ("16", 0),
    ]
    assert overview["total"]["requests"] == 3
    assert [loss["reason"] for loss in overview["losses"]["users"]] == ["unknown_user"]


def test_losses_have_reasons_in_words_and_shares_by_stage(sent: Api) -> None:
    losses = get(sent, "/losses")
    assert [(loss["reason"], loss["count"], loss["share"]) for loss in losses["users"]] == [
        ("unknown_user", 4, 1.0)
    ]
    assert losses["users"][0]["zh"] == "用户不存在"
    assert [loss["reason"] for loss in losses["valid"]] == ["invalid_target"]
    assert losses["submitted"] == []
    assert [loss["reason"] for loss in losses["delivered"]] == ["delivery_failed"]


def test_clicks_are_distributed_over_the_week(sent: Api) -> None:
    table = get(sent, "/clicks", channel_key=KEY, since="2027-01-14", until=TODAY)["clicks"]
    assert [(day, hour) for day in range(7) for hour in range(24) if table[day][hour]] == [
        (3, 16),
        (4, 15),
    ]


def test_providers_have_rates_and_the_time_to_a_receipt(sent: Api) -> None:
    (push,) = get(sent, "/providers")["providers"]
    assert (push["delivery_channel"], push["platform"]) == ("push", "push")
    assert push["acceptance_rate"] == 1.0
    assert push["receipt_seconds"]["p50"] == domain.seconds_of(domain.bucket_of(30_000))
    assert 30 <= push["receipt_seconds"]["p99"] < 30 * 1.2


@pytest.mark.parametrize(("tracked", "rate"), [(True, 0.0), (False, None)])
def test_the_open_rate_is_that_of_channels_that_track_opens(
    api: Api, tracked: bool, rate: float | None
) -> None:
    api.fake.settings.put_channel(a_channel("push", options={"track_opens": tracked}))
    happened(api, number=1, at=START, kinds=CLICKED)
    counted(api)
    (push,) = get(api, "/providers")["providers"]
    assert (push["open_rate"], push["opened"]) == (rate, 0)
    happened(api, number=2, at=START, kinds=(*CLICKED, FactKind.OPENED))
    counted(api)
    (push,) = get(api, "/providers")["providers"]
    assert (push["open_rate"], push["opened"]) == (0.5, 1)


def test_days_of_all_access_channels_are_read_from_sums(sent: Api) -> None:
    answer = get(sent, "/access-channels", since="2026-02-01", until=TODAY)
    rows = {one["channel_key"]: one["days"] for one in answer["access_channels"]}
    at = answer["names"].index("requests")
    assert {day: row[at] for day, row in rows[KEY].items()} == {"2027-01-14": 1, TODAY: 3}
    assert {day: row[at] for day, row in rows[OTHER_KEY].items()} == {TODAY: 1}


def test_a_year_of_days_is_read_from_sums(sent: Api) -> None:
    listed = get(sent, "", channel_key=KEY, since="2026-02-01", until=TODAY)["figures"]
    assert [(day["time"], day["requests"]) for day in listed] == [("2027-01-14", 1), (TODAY, 3)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("since=2027-01-02&until=2027-01-01", "since"),
        ("since=2026-01-01&until=2027-01-15", "until"),
        ("since=2026-12-01&until=2027-01-15&by=hour", "until"),
        ("since=2026-02-01&until=2027-01-15&zone=Europe/Paris", "until"),
        ("zone=Mars/Olympus", "zone"),
        ("zone=../etc/passwd", "zone"),
        ("since=tomorrow", "since"),
        ("since=2027-02-31", "since"),
        ("until=9999-12-31&since=9999-12-31", "since"),
        ("by=minute", "by"),
    ],
)
def test_a_wrong_parameter_is_refused_with_its_field(api: Api, query: str, field: str) -> None:
    answer = api.admin("GET", f"statistics?{query}")
    assert answer.status == 400, answer.json
    assert answer.json["errors"][0]["field"] == field


def test_an_access_channel_that_is_not_there_has_no_statistics(api: Api) -> None:
    for path in ("", "/today", "/losses", "/clicks", "/providers"):
        assert api.admin("GET", f"statistics{path}?channel_key=nobody").status == 404


def test_without_messages_every_figure_is_zero_or_missing(api: Api) -> None:
    assert get(api, "")["figures"] == []
    assert get(api, "/today")["total"]["users"] == stages(0, 0, 0, 0, 0)
    assert get(api, "/providers") == {"providers": []}


def test_coverage_is_counted_when_asked_for(api: Api) -> None:
    assert get(api, "/coverage")["state"] == "none"
    answer = api.admin("POST", "statistics/coverage", {"channel_key": KEY})
    assert (answer.status, answer.json["state"]) == (202, "running")
    assert api.admin("POST", "statistics/coverage", {"channel_key": "nobody"}).status == 404
    assert api.admin("GET", "statistics/coverage?channel_key=nobody").status == 404
