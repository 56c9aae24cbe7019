"""Stored requests are carried out once, in time, or their result says why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain import zones
from chalicelib.domain.access_channels import ACCESS_CHANNELS, AccessChannel
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid, NeverDue, Refusal, UsersNeeded
from chalicelib.domain.jobs import TimerKind
from chalicelib.domain.rules.schedules import Outcome, Timing
from chalicelib.domain.stored_requests import Form, Result, State, StoredRequest, Written
from chalicelib.flow import schedules
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.schedules import Door
from chalicelib.flow.submit import submit
from chalicelib.manage import schedules as managed
from tests.builders import SHOP, a_channel, a_reachable_user, a_template, an_access_channel
from tests.fakes.world import FakeWorld

HOUR = 3_600_000
PLACE = "Asia/Shanghai"


def request(access: AccessChannel | None = None, **changes: Any) -> SendRequest:
    fields: dict[str, Any] = {
        "channel": access or an_access_channel(),
        "userids": ("ann",),
        "template": 1,
        "template_para": {"name": "you"},
        "app_para": {"platform": "all"},
        "written": Written(Form.SEND, {"template_id": 1}),
    }
    return SendRequest(**{**fields, **changes})


def read(access: AccessChannel, stored: StoredRequest) -> SendRequest:
    return request(access)


DOOR = Door(read, lambda error: (1, type(error).__name__), (Refusal, Invalid))


@pytest.fixture
def fake() -> FakeWorld:
    fake = FakeWorld()
    fake.settings.put_access_channel(an_access_channel())
    for code in ("push", "text", "mail"):
        fake.settings.put_channel(a_channel(code))
    fake.settings.put_template(a_template())
    fake.users.has(a_reachable_user("ann"))
    return fake


def at(fake: FakeWorld, seconds: float, **changes: Any) -> Timing:
    time = datetime.fromtimestamp(fake.clock.now() / 1000 + seconds, UTC)
    return Timing("UTC", at=time.strftime("%Y-%m-%dT%H:%M:%S"), **changes)


def store(fake: FakeWorld, timing: Timing, **changes: Any) -> str:
    return submit(fake.ports, request(timing=timing, **changes))


def wake(fake: FakeWorld) -> None:
    """Let the clock come to the next wake-up, and carry out what it is for."""
    time = fake.wakeups.next()
    assert time is not None
    fake.clock.time = max(fake.clock.time, time)
    for id in fake.wakeups.take(fake.clock.now()):
        schedules.carry_out(fake.ports, id, DOOR)


def results(fake: FakeWorld, of: str = SHOP) -> list[Result]:
    return list(fake.stored.results(of, "", 99))


def test_nothing_is_sent_before_its_time_and_one_message_then(fake: FakeWorld) -> None:
    id = store(fake, at(fake, 3600))
    assert not fake.messages.stored
    schedules.carry_out(fake.ports, id, DOOR)  # a stray wake-up
    assert not fake.messages.stored
    wake(fake)
    (message,) = fake.messages.stored.values()
    (result,) = results(fake, id)
    assert (result.outcome, result.msgid) == (Outcome.SENT, message.msgid)
    assert fake.stored.stored[id].state is State.DONE
    assert fake.stored.stored[id].became == message.msgid


def test_a_wake_up_that_comes_twice_sends_once(fake: FakeWorld) -> None:
    id = store(fake, at(fake, 3600))
    wake(fake)
    schedules.carry_out(fake.ports, id, DOOR)
    assert len(fake.messages.stored) == len(results(fake)) == 1


def test_a_time_by_own_zones_is_sent_once_though_its_result_is_lost_for_a_day(
    fake: FakeWorld,
) -> None:
    timing = Timing(PLACE, at="2027-01-17T09:00", zone_attribute="zone", if_late=23 * 60)
    id = store(fake, timing)
    before = fake.stored.stored[id]
    wake(fake)
    (msgid,) = fake.messages.stored
    fake.stored.stored[id] = before  # as if the worker had died before it stored the result
    fake.clock.advance(28 * 3600)  # still in time by the zone of the schedule
    schedules.carry_out(fake.ports, id, DOOR)
    assert list(fake.messages.stored) == [msgid]
    assert fake.stored.stored[id].became == msgid


def test_a_recurring_schedule_goes_on_until_its_end(fake: FakeWorld) -> None:
    id = store(fake, Timing(PLACE, cron="0 9 * * *", until="2027-01-17T09:00"))
    wake(fake)
    wake(fake)
    assert fake.stored.stored[id].state is State.DONE
    assert fake.wakeups.next() is None
    assert len(fake.messages.stored) == 2
    assert [r.at for r in results(fake, id)] == sorted((r.at for r in results(fake)), reverse=True)


def test_a_lost_wake_up_is_found_by_the_timer(fake: FakeWorld) -> None:
    store(fake, at(fake, 3600))
    fake.wakeups.waiting.clear()
    fake.clock.advance(3600 + 700)
    timers = fake.timers.ready()
    assert [timer.kind for timer in timers] == [TimerKind.WAKE]
    schedules.wake_again(fake.ports, timers)
    wake(fake)
    assert len(fake.messages.stored) == 1


def test_a_timer_of_a_request_that_was_carried_out_does_nothing(fake: FakeWorld) -> None:
    store(fake, at(fake, 3600))
    wake(fake)
    fake.clock.advance(700)
    schedules.wake_again(fake.ports, fake.timers.ready())
    assert fake.wakeups.next() is None


@pytest.mark.parametrize(
    ("if_late", "late", "outcome"),
    [
        (60, 59, Outcome.SENT),
        (60, 61, Outcome.MISSED),
        (0, 4, Outcome.SENT),
        (0, 6, Outcome.MISSED),
    ],
)
def test_a_late_occurrence_follows_its_rule(
    fake: FakeWorld, if_late: int, late: int, outcome: Outcome
) -> None:
    id = store(fake, at(fake, 3600, if_late=if_late))
    fake.clock.advance(3600 + 60 * late)
    schedules.carry_out(fake.ports, id, DOOR)
    assert [result.outcome for result in results(fake)] == [outcome]
    assert len(fake.messages.stored) == (outcome is Outcome.SENT)


def test_occurrences_missed_in_a_row_are_one_result(fake: FakeWorld) -> None:
    id = store(fake, Timing("UTC", cron="0 * * * *", if_late=30))
    first = fake.stored.stored[id].next
    fake.clock.time = first + 4 * HOUR + HOUR // 4
    schedules.carry_out(fake.ports, id, DOOR)
    sent, missed = results(fake, id)
    assert (missed.outcome, missed.at, missed.number) == (Outcome.MISSED, first, 4)
    assert (sent.outcome, sent.at) == (Outcome.SENT, first + 4 * HOUR)
    assert fake.stored.stored[id].next == first + 5 * HOUR


def test_what_is_in_time_in_the_last_zone_of_the_world_is_not_missed(fake: FakeWorld) -> None:
    """Pago Pago is 25 hours behind the first zone, so the second day is 30 minutes late."""
    days = Timing("Pacific/Pago_Pago", cron="0 9 * * *", zone_attribute="tz")
    id = store(fake, days)
    first = fake.stored.stored[id].next
    fake.clock.time = first + (24 + 25) * HOUR + HOUR // 2
    schedules.carry_out(fake.ports, id, DOOR)
    outcomes = {(r.at - first) // HOUR: (r.outcome, r.number) for r in results(fake, id)}
    assert outcomes == {
        0: (Outcome.MISSED, 1),
        24: (Outcome.SENT, 1),
        48: (Outcome.SENT, 1),
    }


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "Pacific/Pago_Pago", "Pacific/Kiritimati"])
def test_users_of_every_zone_get_the_first_occurrence_that_is_in_time(
    fake: FakeWorld, zone: str
) -> None:
    """An occurrence begins up to 26 hours before its own zone shows its time."""
    cron = Timing(zone, cron="0 9 * * *", zone_attribute="tz", if_late=30)
    id = store(fake, cron)
    first = fake.stored.stored[id].occurrence.local
    its_place = zones.zone(zone)
    assert its_place is not None
    second = zones.moment(first + timedelta(days=1), its_place)
    fake.clock.time = second + 29 * 60_000
    schedules.carry_out(fake.ports, id, DOOR)
    found = {result.outcome: result for result in results(fake, id)}
    assert (found[Outcome.MISSED].number, Outcome.SENT in found) == (1, True)


def refusal_when(fake: FakeWorld, access: AccessChannel) -> Result:
    id = store(fake, at(fake, 3600))
    fake.records.of(ACCESS_CHANNELS).stored[SHOP] = access
    wake(fake)
    assert not fake.messages.stored
    assert fake.stored.stored[id].status == "refused"
    (result,) = results(fake)
    assert result.outcome is Outcome.REFUSED
    return result


def test_a_closed_access_channel_is_the_reason(fake: FakeWorld) -> None:
    assert refusal_when(fake, an_access_channel(enabled=False)).reason == "AccessChannelClosed"


def test_a_disabled_delivery_channel_is_the_reason(fake: FakeWorld) -> None:
    access = an_access_channel()
    access = replace(access, channels={**access.channels, "text": False})
    assert refusal_when(fake, access).reason == "TemplateClosed"


def test_an_archived_template_is_the_reason(fake: FakeWorld) -> None:
    store(fake, at(fake, 3600))
    fake.settings.put_template(a_template(version=2, archived=True, channels=()))
    wake(fake)
    assert results(fake)[0].reason == "UnknownTemplate"


def test_a_request_is_checked_when_it_is_stored(fake: FakeWorld) -> None:
    with pytest.raises(Refusal):
        store(fake, at(fake, 3600), template=99)
    with pytest.raises(NeverDue):
        store(fake, at(fake, -3600))
    contacts = {ChannelType.SMS: ("10086",)}
    with pytest.raises(UsersNeeded):
        store(fake, at(fake, 3600, zone_attribute="tz"), userids=(), contacts=contacts)
    assert not fake.stored.stored
    assert not fake.wakeups.waiting


def test_a_change_moves_the_time(fake: FakeWorld) -> None:
    id = store(fake, at(fake, 3600))
    managed.change(fake.ports, id, None, request(timing=at(fake, 7200)), "later")
    begun = fake.clock.now()
    assert [time - begun for time, _ in fake.wakeups.waiting] == [2 * HOUR]
    wake(fake)
    assert len(fake.messages.stored) == 1


def test_a_cancelled_message_never_leaves(fake: FakeWorld) -> None:
    id = store(fake, at(fake, 3600))
    waiting = set(fake.wakeups.waiting)
    managed.withdraw(fake.ports, SHOP, id)
    assert not fake.wakeups.waiting
    fake.wakeups.waiting = waiting  # it comes all the same
    wake(fake)
    assert not fake.messages.stored
    assert not results(fake)


def test_withdrawing_what_was_sent_withdraws_the_message(fake: FakeWorld) -> None:
    id = store(fake, at(fake, 3600))
    wake(fake)
    managed.withdraw(fake.ports, SHOP, id)
    (msgid,) = fake.messages.stored
    assert fake.messages.withdrawn(msgid) is not None
