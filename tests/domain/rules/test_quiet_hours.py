"""Quiet hours follow the clock on the wall, also at night and when clocks are changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import Invalid
from chalicelib.domain.rules import quiet_hours
from chalicelib.domain.rules.quiet_hours import Window, minutes, quiet_until
from tests.profiles import examples

ZONES = (
    "Asia/Shanghai",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",  # half an hour of summer time
    "America/Sao_Paulo",  # once began its summer time at midnight
    "Pacific/Apia",  # left out a whole day in 2011
    "Asia/Kathmandu",
    "Africa/Casablanca",
)
MINUTE = 60_000
MIDDLE = Priority.MEDIUM


def at(text: str, zone: str = "UTC", fold: int = 0) -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return round(moment.timestamp()) * 1000


def window(begin: str, end: str, zone: str = "Asia/Shanghai", *priorities: int) -> Window:
    chosen = tuple(Priority(p) for p in priorities or (1, 2, 3))
    return Window(minutes(begin), minutes(end), zone, chosen)


def shows(zone: str, moment: int) -> str:
    return datetime.fromtimestamp(moment // 1000, ZoneInfo(zone)).strftime("%m-%d %H:%M")


def test_a_window_over_midnight_ends_the_next_morning() -> None:
    night = [window("22:00", "08:00")]
    for begin in ("2027-03-01T22:00", "2027-03-01T23:59", "2027-03-02T00:00", "2027-03-02T07:59"):
        assert quiet_until(night, MIDDLE, at(begin, "Asia/Shanghai")) == at(
            "2027-03-02T08:00", "Asia/Shanghai"
        )
    for free in ("2027-03-01T21:59", "2027-03-02T08:00"):
        assert quiet_until(night, MIDDLE, at(free, "Asia/Shanghai")) is None


def test_a_window_is_for_its_priorities() -> None:
    night = [window("22:00", "08:00", "Asia/Shanghai", 3)]
    moment = at("2027-03-01T23:00", "Asia/Shanghai")
    assert [quiet_until(night, p, moment) is not None for p in Priority] == [False, False, True]


def test_windows_that_meet_or_overlap_are_one() -> None:
    windows = [window("22:00", "02:00"), window("02:00", "06:00"), window("05:00", "07:30")]
    assert quiet_until(windows, MIDDLE, at("2027-03-01T23:00", "Asia/Shanghai")) == at(
        "2027-03-02T07:30", "Asia/Shanghai"
    )


@pytest.mark.parametrize(
    ("begin", "end", "moment", "fold", "shown"),
    [
        # 2027-03-14: the clock goes from 2:00 to 3:00.
        ("01:30", "02:30", "2027-03-14T01:45", 0, "03-14 03:00"),
        ("22:00", "08:00", "2027-03-13T22:00", 0, "03-14 08:00"),
        ("02:10", "02:50", "2027-03-14T01:59", 0, None),
        ("02:45", "02:30", "2027-03-14T01:00", 0, "03-15 02:30"),
        # 2027-11-07: it goes from 2:00 back to 1:00.
        ("00:30", "01:30", "2027-11-07T00:45", 0, "11-07 01:30"),
        ("00:30", "01:30", "2027-11-07T01:10", 1, "11-07 01:30"),
        ("01:30", "02:00", "2027-11-07T01:45", 0, "11-07 01:00"),
        ("22:00", "08:00", "2027-11-06T23:00", 0, "11-07 08:00"),
    ],
)
def test_the_clock_that_people_see_counts_when_clocks_are_changed(
    begin: str, end: str, moment: str, fold: int, shown: str | None
) -> None:
    windows = [window(begin, end, "America/New_York")]
    until = quiet_until(windows, MIDDLE, at(moment, "America/New_York", fold))
    assert (until and shows("America/New_York", until)) == shown


WINDOWS = st.builds(
    Window,
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.sampled_from(ZONES),
    st.just((MIDDLE,)),
).filter(lambda built: built.begin != built.end)
# Moments around changes of clocks, both ways, and any others.
CHANGES = [
    at(text)
    for text in (
        "2027-03-14T07:00",
        "2027-11-07T06:00",
        "2027-03-28T01:00",
        "2027-10-31T01:00",
        "2027-04-03T15:00",
        "2027-10-02T15:30",
        "2018-11-04T03:00",
        "2011-12-30T10:00",
    )
]
MOMENTS = st.one_of(
    st.sampled_from(CHANGES).flatmap(
        lambda change: st.integers(change - 36 * 3600_000, change + 3600_000)
    ),
    st.integers(at("2026-01-01T00:00"), at("2030-01-01T00:00")),
)


def is_quiet(windows: Sequence[Window], moment: int) -> bool:
    """Read the clock of each window's zone, from `zoneinfo` alone."""
    for each in windows:
        wall = datetime.fromtimestamp(moment // 1000, UTC).astimezone(ZoneInfo(each.time_zone))
        minute = wall.hour * 60 + wall.minute
        inside = each.begin <= minute < each.end
        if each.begin > each.end:
            inside = not each.end <= minute < each.begin
        if inside:
            return True
    return False


@examples(150)
@given(windows=st.lists(WINDOWS, min_size=1, max_size=3), moment=MOMENTS)
def test_it_is_quiet_until_the_first_minute_that_no_window_has(
    windows: list[Window], moment: int
) -> None:
    until = quiet_until(windows, MIDDLE, moment)
    assert (until is not None) == is_quiet(windows, moment)
    if until is None:
        return
    minute = moment - moment % MINUTE + MINUTE
    while minute < until:
        assert is_quiet(windows, minute), minute
        minute += MINUTE
    if until - moment < 2 * quiet_hours.DAY:
        assert not is_quiet(windows, until)


def test_windows_that_leave_no_time_are_refused() -> None:
    now = at("2027-03-01T00:00")
    quiet_hours.check([window("00:00", "23:59")], now)
    with pytest.raises(Invalid, match="priority 2"):
        quiet_hours.check(
            [window("00:00", "12:00", "UTC", 2), window("12:00", "00:00", "UTC", 2)], now
        )
    with pytest.raises(Invalid, match="begin"):
        quiet_hours.check([window("08:00", "08:00")], now)


def test_windows_that_leave_time_only_in_summer_are_refused() -> None:
    """The clock of London is an hour later in summer, and that of Shanghai is not."""
    windows = [window("08:30", "00:30"), window("16:30", "00:30", "Europe/London")]
    summer = at("2027-07-10T12:00")
    assert quiet_until(windows, MIDDLE, summer) == at("2027-07-10T23:30")
    with pytest.raises(Invalid, match="no time"):
        quiet_hours.check(windows, summer)
