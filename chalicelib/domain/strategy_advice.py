"""Advice on a strategy: what its delivery channels cannot do, and what is probably a mistake."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from chalicelib.domain import channel_options, figures
from chalicelib.domain.delivery_channels import Channel, ChannelType, ReceiptMode
from chalicelib.domain.errors import Invalid
from chalicelib.domain.provider_io import Capabilities, ClickReport, DeliveryReport
from chalicelib.domain.strategies import Missing, Strategy, Term
from chalicelib.domain.values import frozen
from chalicelib.domain.warnings import Code, Warning


@frozen
class Reports:
    """The reports of a delivery channel, or of a platform without one."""

    delivery: DeliveryReport
    has_clicks: bool
    delay: int  # seconds within which most receipts come
    is_measured: bool = False  # in the last days. Otherwise the delay is the platform's.


ByType = Mapping[ChannelType, Sequence[Reports]]

DAYS = 30  # in which delays are measured, with today
ENOUGH = 100  # receipts in these days, without which the delay of the platform counts
MOST = 0.9  # of the receipts


def delays(days: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the seconds within which most receipts of delivery channels came, by code.

    `days` are figures. A delivery channel with few receipts is left out.
    """
    buckets: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for counts in days:
        for name, number in counts.items():
            if name.startswith("latency|"):
                _, _, code, bucket = name.split("|")
                buckets[code][int(bucket)] += number
    return {
        code: math.ceil(figures.percentile(of_code, MOST) or 0)
        for code, of_code in buckets.items()
        if of_code.total() >= ENOUGH
    }


def reports_of(
    capabilities: Capabilities, channel: Channel | None = None, measured: int | None = None
) -> Reports:
    """Return the reports of a platform, as a delivery channel of it is set.

    `measured`: seconds within which most receipts of the delivery channel came.
    """
    by_link = capabilities.click_report is ClickReport.LINK
    is_off = channel is not None and channel_options.of(channel.options).track_links is False
    has_clicks = capabilities.click_report is not ClickReport.NONE and not (by_link and is_off)
    is_polled = channel is not None and channel.receipts is ReceiptMode.POLL
    is_measured = measured is not None
    delay = capabilities.receipt_delay if measured is None else measured
    delay += capabilities.poll_first if is_polled else 0
    return Reports(capabilities.delivery_report, has_clicks, delay, is_measured)


def check_clicks(strategy: Strategy, reports: ByType) -> None:
    """Raise Invalid for a condition on clicks of a channel type that cannot report any."""
    for n, term in _terms(strategy):
        of_type = reports.get(term.channel, ())
        if term.missing is Missing.CLICKED and not any(r.has_clicks for r in of_type):
            reason = "no delivery channel for {channel_type} reports clicks"
            raise Invalid(f"steps[{n}].condition", reason, channel_type=term.channel.value)


def warnings(strategy: Strategy, opened: ByType) -> list[Warning]:
    """Return warnings of what is allowed but may be a mistake.

    `opened`: the reports of the delivery channels that the access channel can use now.
    """
    found = [
        Warning(f"steps[{n}].channels", Code.NOT_AUTHORISED, {"channel_type": kind.value})
        for n, step in enumerate(strategy.steps)
        for kind in step.channels
        if not opened.get(kind)
    ]
    for n, term in _terms(strategy):
        codes = _of_term(term, opened.get(term.channel, ()))
        found += [Warning(f"steps[{n}].condition", code, values) for code, values in codes]
    times = strategy.timetable()
    found += [
        Warning(f"steps[{n}].condition", Code.DUE_TOGETHER)
        for n in range(2, len(times))
        if times[n] == times[n - 1]
    ]
    return found


def _terms(strategy: Strategy) -> Iterator[tuple[int, Term]]:
    for n, step in enumerate(strategy.steps):
        for term in step.terms:
            yield n, term


def _of_term(term: Term, reports: Sequence[Reports]) -> Iterator[tuple[Code, Mapping[str, object]]]:
    if not reports:
        return
    deliveries = {of_channel.delivery for of_channel in reports}
    is_late = deliveries != {DeliveryReport.ACCEPTED} or term.missing is Missing.CLICKED
    slowest = max(reports, key=lambda of_channel: of_channel.delay)
    named = {"channel_type": term.channel.value}
    if is_late and term.within < slowest.delay:
        code = Code.SHORT_TIME_MEASURED if slowest.is_measured else Code.SHORT_TIME
        yield code, {**named, "delay": slowest.delay, "within": term.within, "days": DAYS}
    if term.missing is Missing.CLICKED and not all(r.has_clicks for r in reports):
        yield Code.CLICKS_IN_PART, named
    if term.missing is Missing.DELIVERED and deliveries == {DeliveryReport.ACCEPTED}:
        yield Code.ACCEPTED_ONLY, named
    if term.missing is Missing.DELIVERED and deliveries == {DeliveryReport.NONE}:
        yield Code.NO_DELIVERIES, named
