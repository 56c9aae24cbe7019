"""Preferences: topics by channel type, and quiet times by people's own clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.rules.topics import Preferences, QuietTime, choose, read, stored

SMS, EMAIL = ChannelType.SMS, ChannelType.EMAIL
NIGHT = QuietTime("22:00", "08:00", "Asia/Shanghai")


def at(hour: int, minute: int = 0) -> int:
    """Return a moment (ms) at which clocks in Shanghai show a time."""
    local = datetime(2026, 11, 21, hour, minute, tzinfo=UTC)
    return round(local.timestamp() - 8 * 3600) * 1000


def test_a_topic_that_was_not_chosen_is_wanted_unless_people_must_choose_it() -> None:
    assert Preferences({}).wants(1, SMS, opt_in=False)
    assert not Preferences({}).wants(1, SMS, opt_in=True)


def test_a_choice_counts_by_channel_type() -> None:
    chosen = Preferences({1: ("email",), 2: ()})
    for opt_in in (False, True):
        assert chosen.wants(1, EMAIL, opt_in=opt_in)
        assert not chosen.wants(1, SMS, opt_in=opt_in)
        assert not chosen.wants(2, EMAIL, opt_in=opt_in)


@pytest.mark.parametrize(
    ("time", "is_quiet"),
    [(at(22), True), (at(7, 59), True), (at(8), False), (at(21, 59), False), (at(0), True)],
)
def test_a_quiet_time_goes_over_midnight_by_its_own_clock(time: int, is_quiet: bool) -> None:
    assert NIGHT.has(time) is is_quiet


def test_a_quiet_time_within_a_day() -> None:
    noon = QuietTime("12:00", "14:00", "Asia/Shanghai")
    assert [noon.has(at(hour)) for hour in (11, 12, 13, 14)] == [False, True, True, False]
    assert not QuietTime("12:00", "14:00", "Nowhere/Land").has(at(13))


@given(st.integers(0, 400 * 86_400), st.sampled_from(["Europe/Berlin", "Asia/Shanghai"]))
def test_a_quiet_time_ends_at_the_first_moment_that_is_not_quiet(later: int, zone: str) -> None:
    quiet, moment = QuietTime("22:00", "03:30", zone), at(0) + later * 1000
    until = quiet.until(moment)
    assert (until is not None) is quiet.has(moment)
    if until is not None:
        assert not quiet.has(until)
        assert all(quiet.has(time) for time in (until - 1000, (until + moment) // 2))


def test_what_rings_is_left_out_in_a_quiet_time_and_mails_are_not() -> None:
    quiet = Preferences({}, NIGHT)
    assert quiet.reason(0, SMS, at(23), opt_in=False) == "quiet_time"
    assert quiet.reason(0, EMAIL, at(23), opt_in=False) == ""
    assert quiet.reason(0, SMS, at(12), opt_in=False) == ""
    assert quiet.reason(0, SMS, None, opt_in=False) == ""
    assert Preferences({1: ()}, NIGHT).reason(1, SMS, at(23), opt_in=False) == "unwanted"


def test_choices_are_read_as_they_were_stored() -> None:
    full = Preferences({1: ("sms",), 12: ()}, NIGHT, {1: "sms"})
    for preferences in (Preferences({}), full):
        assert read(stored(preferences)) == preferences


def test_boxes_that_nobody_offered_are_no_choice() -> None:
    ticked = {(1, "sms"), (1, "fax"), (7, "sms"), (2, "app")}
    assert choose([1, 2], (SMS, EMAIL), ticked) == {1: ("sms",), 2: ()}
