"""The health of a delivery channel, from what was sent in the last day."""

from __future__ import annotations

import pytest

from chalicelib import observability
from chalicelib.domain.facts import FactKind
from chalicelib.domain.health import LEAST
from tests.builders import a_channel
from tests.entrypoints.conftest import KEY, Api
from tests.entrypoints.http.admin.test_statistics import (
    CLICKED,
    FAILED,
    HOUR,
    SUBMITTED,
    counted,
    happened,
)
from tests.fakes.clock import START

REFUSED = (FactKind.SUBMIT_FAILED,)
TIMES = -(-LEAST // 4)


@pytest.fixture(autouse=True)
def push(api: Api) -> None:
    api.fake.settings.put_channel(a_channel("push", platform="jpush"))


def sent(api: Api, *kinds: tuple[FactKind, ...], at: int = START - HOUR) -> None:
    """Send so often that four of these deliveries are enough to judge by."""
    for number, facts in enumerate(kinds * TIMES):
        happened(api, number=number, at=at, kinds=facts)
    counted(api)


def state(api: Api) -> str:
    answer = api.admin("GET", "channels/push/health")
    assert answer.status == 200, answer.json
    return str(answer.json["state"])


def test_a_channel_that_sends_little_is_not_judged(api: Api) -> None:
    sent(api, REFUSED)
    assert state(api) == "quiet"


def test_a_channel_whose_provider_accepts_is_good(api: Api) -> None:
    sent(api, *[CLICKED] * 4)
    answer = api.admin("GET", "channels/push/health").json
    assert (answer["state"], answer["acceptance_rate"], answer["delivery_rate"]) == ("good", 1, 1)
    assert (answer["poor"], answer["errors"]) == (None, [])
    assert answer["receipt_seconds"]["p50"] > 29


def test_a_channel_whose_provider_refuses_is_poor_and_says_why(api: Api) -> None:
    sent(api, *[CLICKED] * 4, REFUSED)
    answer = api.admin("GET", "channels/push/health").json
    assert (answer["state"], answer["acceptance_rate"]) == ("poor", 0.8)
    assert answer["poor"] == {"rate": "acceptance_rate", "value": 0.8, "bound": 0.9}
    (error,) = answer["errors"]
    assert error["last"] == START - HOUR
    assert (error["reason"], error["count"]) == ("submit_failed", TIMES)
    assert error["zh"] == "服务商拒绝了这次发送"


def test_people_who_were_reached_otherwise_are_not_the_providers_fault(api: Api) -> None:
    sent(api, *[CLICKED] * 4, (FactKind.SKIPPED,), (FactKind.SKIPPED,))
    answer = api.admin("GET", "channels/push/health").json
    assert (answer["state"], answer["acceptance_rate"], answer["errors"]) == ("good", 1, [])
    of_all = api.admin("GET", f"access-channels/{KEY}/health")
    assert of_all.status == 200, of_all.json


def test_what_waits_is_not_the_providers_fault(api: Api) -> None:
    sent(api, *[CLICKED] * 4, (), (), ())
    answer = api.admin("GET", "channels/push/health").json
    assert (answer["state"], answer["acceptance_rate"]) == ("good", 1)


def test_a_channel_whose_deliveries_all_wait_is_not_judged(api: Api) -> None:
    sent(api, *[()] * 9)
    answer = api.admin("GET", "channels/push/health").json
    assert (answer["state"], answer["acceptance_rate"]) == ("quiet", None)


def test_wrong_contacts_neither_judge_a_channel_nor_make_it_poor(api: Api) -> None:
    sent(api, *[(FactKind.INVALID_TARGET,)] * 9, *[CLICKED] * 3)
    assert state(api) == "quiet"


def test_an_access_channel_that_is_not_there_has_no_health(api: Api) -> None:
    assert api.admin("GET", "access-channels/nobody/health").status == 404


def test_a_paused_channel_says_so(api: Api) -> None:
    assert api.admin("POST", "channels/push/pause").status == 200
    assert api.admin("GET", "channels/push/health").json["paused"] is True


@pytest.mark.parametrize(
    ("kinds", "at", "rings"),
    [
        ([CLICKED] * 3 + [REFUSED] * 2, START, True),
        ([CLICKED] * 9 + [REFUSED], START, False),  # nine of ten
        ([REFUSED] * 3, START, False),  # too few
        ([CLICKED] * 3 + [(FactKind.INVALID_TARGET,)] * 3, START, False),  # wrong contacts
        ([CLICKED] * 3 + [REFUSED] * 2, START - 3 * HOUR, False),  # that was long ago
    ],
)
def test_a_poor_channel_rings_within_minutes(
    api: Api,
    capsys: pytest.CaptureFixture[str],
    kinds: list[tuple[FactKind, ...]],
    at: int,
    rings: bool,
) -> None:
    with observability.unit_of_work(function="tally"):
        sent(api, *kinds, at=at)
    assert ('"channels_poor":' in capsys.readouterr().out) is rings


def test_a_channel_that_delivers_less_than_usual_is_poor(api: Api) -> None:
    sent(api, *[CLICKED] * 4, at=START - 50 * HOUR)
    sent(api, *[CLICKED] * 3, FAILED, at=START - HOUR)
    answer = api.admin("GET", "channels/push/health").json
    assert (answer["usual_delivery_rate"], answer["delivery_rate"]) == (1, 0.75)
    assert answer["state"] == "poor"
    assert answer["poor"] == {"rate": "delivery_rate", "value": 0.75, "bound": 0.9}


def test_the_rate_that_is_poor_is_named_although_the_other_is_below_the_usual_one(api: Api) -> None:
    sent(api, *[CLICKED] * 20, at=START - 50 * HOUR)
    sent(api, *[CLICKED] * 12, *[FAILED] * 7, REFUSED, at=START - HOUR)
    answer = api.admin("GET", "channels/push/health").json
    assert answer["usual_acceptance_rate"] > answer["acceptance_rate"] == 0.95
    assert answer["poor"] == {"rate": "delivery_rate", "value": 0.631579, "bound": 0.9}


def test_a_large_send_whose_receipts_are_still_due_is_not_poor(api: Api) -> None:
    sent(api, *[CLICKED] * 4, at=START - 50 * HOUR)
    sent(api, *[SUBMITTED] * 8, at=START)
    assert state(api) == "good"
    api.fake.clock.advance(2 * 3600)
    assert state(api) == "poor"


def test_a_channel_that_is_not_there_has_no_health(api: Api) -> None:
    assert api.admin("GET", "channels/nobody/health").status == 404
