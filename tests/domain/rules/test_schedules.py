"""Schedules: times over time zones and changes of clocks, and dates of users."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.domain import crons, zones
from chalicelib.domain.errors import Invalid, NeverDue
from chalicelib.domain.rules.schedules import (
    DateRule,
    Occasion,
    Timing,
    check,
    date_of,
    next_after,
    occurrences,
)
from tests.profiles import examples

ZONES = st.sampled_from(sorted(available_timezones() - {"localtime"}))
MOMENTS = st.integers(
    int(datetime(2020, 1, 1, tzinfo=UTC).timestamp()) * 1000,
    int(datetime(2036, 1, 1, tzinfo=UTC).timestamp()) * 1000,
)
NEW_YORK = "America/New_York"  # clocks change at 2:00, on 2026-03-08 and 2026-11-01


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def utc(timing: Timing, after: str, number: int) -> list[str]:
    times = islice(occurrences(timing, ms(after)), number)
    return [datetime.fromtimestamp(o.at / 1000, UTC).strftime("%m-%d %H:%M") for o in times]


def test_a_daily_time_that_clocks_leave_out_comes_as_much_later() -> None:
    daily = Timing(NEW_YORK, cron="30 2 * * *")
    assert utc(daily, "2026-03-07T00:00Z", 3) == ["03-07 07:30", "03-08 07:30", "03-09 06:30"]


def test_a_daily_time_that_clocks_show_twice_comes_once() -> None:
    daily = Timing(NEW_YORK, cron="30 1 * * *")
    assert utc(daily, "2026-10-31T06:00Z", 3) == ["11-01 05:30", "11-02 06:30", "11-03 06:30"]


def test_an_hourly_time_comes_every_real_hour_when_clocks_change() -> None:
    hourly = Timing(NEW_YORK, cron="0 * * * *")
    for begin in ("2026-03-08T05:30Z", "2026-11-01T03:30Z"):
        times = [o.at for o in islice(occurrences(hourly, ms(begin)), 8)]
        assert {b - a for a, b in pairwise(times)} == {3_600_000}


def test_a_single_time_means_the_clock_on_the_wall() -> None:
    assert utc(Timing(NEW_YORK, at="2026-03-08T02:30"), "2026-01-01T00:00Z", 2) == ["03-08 07:30"]
    assert utc(Timing(NEW_YORK, at="2026-11-01T01:30"), "2026-01-01T00:00Z", 2) == ["11-01 05:30"]
    assert utc(Timing("Asia/Shanghai", at="2026-11-01T09:00"), "2026-01-01T00:00Z", 1) == [
        "11-01 01:00"
    ]


@examples(200)
@given(zone=ZONES, after=MOMENTS, hour=st.integers(0, 23), minute=st.integers(0, 59))
def test_a_daily_time_comes_once_a_day_in_every_zone(
    zone: str, after: int, hour: int, minute: int
) -> None:
    times = list(islice(occurrences(Timing(zone, cron=f"{minute} {hour} * * *"), after), 4))
    assert [o.at for o in times] == sorted({o.at for o in times})
    days = [o.local.date() for o in times]
    assert days == [days[0] + timedelta(days=n) for n in range(4)]
    for local, at in times:
        assert at > after
        shown = datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(zone))
        wall = shown.replace(tzinfo=None, fold=0)
        # The clock shows the time, or left it out: then it shows a later one, by the jump.
        is_real = (
            local.replace(tzinfo=ZoneInfo(zone))
            .astimezone(UTC)
            .astimezone(ZoneInfo(zone))
            .replace(tzinfo=None)
            == local
        )
        assert wall == local if is_real else wall > local


@examples(200)
@given(zone=ZONES, after=MOMENTS, local=st.datetimes(datetime(2020, 1, 1), datetime(2036, 1, 1)))
def test_a_moment_is_the_first_at_which_the_clock_shows_a_time(
    zone: str, after: int, local: datetime
) -> None:
    local, place = local.replace(microsecond=0), zones.zone(zone)
    assert place is not None
    shown = zones.moments(local, place)
    at = zones.moment(local, place)
    if shown:
        assert at == shown[0]
        assert all(zones.shown(moment, place) == local for moment in shown)
    else:
        assert zones.shown(at, place) > local
    assume(at > after)
    found = next_after(Timing(zone, at=local.isoformat()), after)
    assert found is not None
    assert found.at == at


def test_a_recurring_schedule_ends() -> None:
    weekdays = Timing("UTC", cron="0 9 * * mon-fri", until="2026-12-01T09:00")
    assert utc(weekdays, "2026-11-26T12:00Z", 9) == ["11-27 09:00", "11-30 09:00", "12-01 09:00"]


def test_what_is_never_due_is_refused() -> None:
    now = ms("2026-11-29T00:00Z")
    for timing in (
        Timing("UTC", at="2026-11-28T00:00"),
        Timing("UTC", cron="0 0 30 2 *"),
        Timing("UTC", cron="0 0 * * *", until="2026-11-28T00:00"),
    ):
        with pytest.raises(NeverDue):
            check(timing, now)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("0 0 13 * fri", ["2026-11-13", "2026-11-20", "2026-11-06", "2026-11-27"]),  # either
        ("0 0 13 * *", ["2026-11-13"]),
        ("0 0 * nov 7", ["2026-11-01", "2026-11-08", "2026-11-15", "2026-11-22", "2026-11-29"]),
        ("0 0 1-10/4 11 *", ["2026-11-01", "2026-11-05", "2026-11-09"]),
        ("0 0 */15 * *", ["2026-11-01", "2026-11-16"]),
    ],
)
def test_days_of_a_cron_expression(text: str, days: list[str]) -> None:
    cron = crons.parse(text)
    november = [datetime(2026, 11, day).date() for day in range(1, 31)]
    assert [day.isoformat() for day in november if cron.is_on(day)] == sorted(days)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "60 0 * * *",
        "0 24 * * *",
        "0 0 0 * *",
        "0 0 * 13 *",
        "0 0 * * 8",
        "x 0 * * *",
        "0 0 5-1 * *",
        "0/0 0 * * *",
        "* * * * *",
        "0 0 * * mon-",
        "²  0 * * *",
        "0 0 * * * *",
    ],
)
def test_a_wrong_cron_expression_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as error:
        crons.parse(text)
    assert error.value.field == "cron"


@examples(200)
@given(st.text(max_size=20))
def test_any_text_is_a_cron_expression_or_refused(text: str) -> None:
    try:
        assert crons.parse(text).minutes
    except Invalid:
        return


@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("2026-12-24", "2026-12-24"),
        ("2026/12/24", "2026-12-24"),
        ("20261224", "2026-12-24"),
        ("2026-12-24 08:30:00", "2026-12-24"),
        ("2026-12-23T20:00:00Z", "2026-12-24"),  # a moment, as Shanghai's clocks show it
        (1_798_084_800, "2026-12-24"),
        (1_798_084_800_000, "2026-12-24"),
        ("tomorrow", None),
        ("", None),
        (True, None),
        (None, None),
        (float("nan"), None),
        (10**30, None),
        ({"y": 1}, None),
    ],
)
def test_dates_in_attributes(value: object, date: str | None) -> None:
    place = zones.zone("Asia/Shanghai")
    assert place is not None
    read = date_of(value, place)
    assert (read.isoformat() if read else None) == date


def test_days_before_and_after_a_date() -> None:
    three_before = Occasion("2026-12-21T09:00:00", "UTC", date_rule=DateRule("ends", -3))
    two_after = Occasion("2026-12-26T09:00:00", "UTC", date_rule=DateRule("ends", 2))
    for occasion in (three_before, two_after):
        assert occasion.includes({"ends": "2026-12-24"})
        assert not occasion.includes({"ends": "2026-12-25"})
        assert not occasion.includes({})


def test_a_birthday_comes_each_year_also_on_the_29th_of_february() -> None:
    def has_birthday(day: str, born: str) -> bool:
        occasion = Occasion(f"{day}T09:00:00", "UTC", date_rule=DateRule("born", 0, True))
        return occasion.includes({"born": born})

    assert has_birthday("2026-12-24", "1990-12-24")
    assert not has_birthday("2026-12-24", "1990-12-25")
    assert not has_birthday("2026-12-24", "2027-12-24")
    assert has_birthday("2026-02-28", "2000-02-29")
    assert has_birthday("2028-02-29", "2000-02-29")
    assert not has_birthday("2028-02-28", "2000-02-29")


@examples(100)
@given(zone=ZONES, other=ZONES)
def test_users_with_a_zone_of_their_own_get_it_at_its_time(zone: str, other: str) -> None:
    timing = Timing(zone, at="2026-07-14T18:00", zone_attribute="tz")
    first = check(timing, ms("2026-07-01T00:00Z"))
    occasion = Occasion(timing.at, zone, "tz")
    place = zones.zone(other)
    assert place is not None
    assert zones.shown(occasion.start({"tz": other}), place) == datetime(2026, 7, 14, 18)
    assert first.at <= occasion.start({"tz": other})
    assert occasion.start({"tz": "nowhere"}) == occasion.start({}) == occasion.start({"tz": 8})


@pytest.mark.parametrize("name", ["", "Mars", "../etc/passwd", "America", "Asia/../UTC", "a" * 99])
def test_a_name_that_is_no_zone(name: str) -> None:
    assert zones.zone(name) is None
