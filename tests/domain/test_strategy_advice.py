"""Advice on strategies: refusals and warnings that depend on what delivery channels report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
from chalicelib.domain.errors import Invalid
from chalicelib.domain.provider_io import ClickReport, DeliveryReport
from chalicelib.domain.strategies import Missing, Step, Strategy, Term
from chalicelib.domain.strategy_advice import (
    DAYS,
    Reports,
    check_clicks,
    delays,
    reports_of,
    warnings,
)
from chalicelib.domain.warnings import Code, Warning
from tests.builders import a_channel
from tests.fakes.providers import TEXT

APP, SMS = ChannelType.APP, ChannelType.SMS
REAL = Reports(DeliveryReport.REAL, True, 60)
MUTE = Reports(DeliveryReport.REAL, False, 60)
ACCEPTED = Reports(DeliveryReport.ACCEPTED, True, 60)
SILENT = Reports(DeliveryReport.NONE, True, 60)


def strategy(missing: Missing, within: int = 600) -> Strategy:
    return Strategy((Step((APP,)), Step((SMS,), (Term(APP, missing, within),))))


def opened(*of_app: Reports) -> Mapping[ChannelType, Sequence[Reports]]:
    return {APP: of_app, SMS: [REAL]}


@pytest.mark.parametrize(
    ("of_app", "is_refused"), [((), True), ((MUTE,), True), ((MUTE, REAL), False)]
)
def test_clicks_need_a_delivery_channel_that_reports_them(
    of_app: Sequence[Reports], is_refused: bool
) -> None:
    if is_refused:
        with pytest.raises(Invalid, match="reports clicks"):
            check_clicks(strategy(Missing.CLICKED), opened(*of_app))
    else:
        check_clicks(strategy(Missing.CLICKED), opened(*of_app))
    check_clicks(strategy(Missing.DELIVERED), opened(*of_app))


@pytest.mark.parametrize(
    ("of_app", "missing", "within", "code"),
    [
        ((REAL,), Missing.DELIVERED, 60, None),
        ((REAL,), Missing.DELIVERED, 59, Code.SHORT_TIME),
        ((MUTE, REAL), Missing.CLICKED, 60, Code.CLICKS_IN_PART),
        ((ACCEPTED,), Missing.DELIVERED, 1, Code.ACCEPTED_ONLY),
        ((ACCEPTED,), Missing.CLICKED, 1, Code.SHORT_TIME),
        ((ACCEPTED, REAL), Missing.DELIVERED, 60, None),
        ((SILENT,), Missing.DELIVERED, 60, Code.NO_DELIVERIES),
    ],
)
def test_a_condition_that_does_not_do_much_gets_a_warning(
    of_app: Sequence[Reports], missing: Missing, within: int, code: Code | None
) -> None:
    found = warnings(strategy(missing, within), opened(*of_app))
    assert [(field, of) for field, of, _ in found] == [("steps[1].condition", code)] * bool(code)


def test_a_channel_reports_clicks_by_its_platform_unless_its_links_are_switched_off() -> None:
    assert reports_of(TEXT).has_clicks
    for setting, has_clicks in ((True, True), (False, False)):
        channel = a_channel("text", options={"track_links": setting})
        assert reports_of(TEXT, channel).has_clicks is has_clicks
    none = replace(TEXT, click_report=ClickReport.NONE)
    assert not reports_of(none).has_clicks
    polled = a_channel("text", receipts=ReceiptMode.POLL)
    assert reports_of(TEXT, polled).delay == TEXT.receipt_delay + TEXT.poll_first


def test_a_delay_is_measured_where_enough_receipts_came() -> None:
    day = {"latency|sms|text|0": 45, "latency|sms|text|20": 45, "latency|sms|text|32": 10}
    more = {"latency|app|push|4": 99, "channel|sms|text|delivered": 99}
    assert delays([day, more]) == {"text": 32}  # bucket 20 ends at 2 ** 5 seconds
    assert delays([day, day, more, {"latency|sms|text|32": 100}]) == {"text": 256}
    assert delays([]) == {}


@pytest.mark.parametrize(("within", "is_short"), [(31, True), (32, False)])
def test_a_measured_delay_goes_before_that_of_the_platform(within: int, is_short: bool) -> None:
    reports = reports_of(TEXT, a_channel("text"), 32)
    found = warnings(strategy(Missing.DELIVERED, within), opened(reports))
    values = {"channel_type": "app", "delay": 32, "within": within, "days": DAYS}
    warning = Warning("steps[1].condition", Code.SHORT_TIME_MEASURED, values)
    assert found == [warning] * is_short
    polled = reports_of(TEXT, a_channel("text", receipts=ReceiptMode.POLL), 32)
    assert polled.delay == 32 + TEXT.poll_first
