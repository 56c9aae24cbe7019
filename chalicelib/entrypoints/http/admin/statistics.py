"""Statistics of access channels and of the deployment, for every member."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.figures import TOTALS
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import admin, known_key
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.problems import JSON

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.statistics import (
        ChannelDaysQuery,
        CoverageBody,
        CoverageQuery,
        SeriesQuery,
        StretchQuery,
    )
    from chalicelib.reports import statistics

bp = Blueprint(__name__)


@admin(
    bp,
    "statistics",
    "GET",
    query="statistics.SeriesQuery",
    response="statistics.Series",
    errors=(404,),
    role=Role.READ_ONLY,
)
def get_statistics(context: RequestContext) -> dict[str, Any]:
    """Get figures of messages by the hour, day or month in which they were sent."""
    from chalicelib.reports import statistics, tables

    query: SeriesQuery = context.query()
    figures = list(_series(context, query))
    currency = context.world.limits.currency
    if query.of == "total":
        totals = [{"time": time, **statistics.total(counts)} for time, counts in figures]
        return {"currency": currency, "figures": totals, "parts": []}
    parts = [
        {"time": time, "part": part, **tables.shown_of(query.of, stages)}
        for time, counts in figures
        for part, stages in statistics.parts(context.world, counts, query.of).items()
    ]
    return {"currency": currency, "figures": [], "parts": parts}


def _series(context: RequestContext, query: SeriesQuery) -> Iterator[tuple[str, statistics.Counts]]:
    from chalicelib.reports import statistics

    over = _stretch(context, query)
    if query.by == "hour":
        yield from statistics.by_hour(context.world, over)
    elif query.by == "day":
        yield from statistics.by_day(context.world, over)
    elif query.by == "month":
        yield from statistics.by_month(context.world, over)
    else:
        yield over.first.isoformat(), statistics.whole(context.world, over)


def _stretch(context: RequestContext, query: StretchQuery) -> statistics.Stretch:
    from chalicelib.reports import statistics

    key = known_key(query.channel_key) if query.channel_key else ""
    return statistics.stretch(context.world, key, query.since, query.until, query.zone)


@admin(
    bp,
    "statistics/today",
    "GET",
    query="statistics.StretchQuery",
    response="statistics.Overview",
    errors=(404,),
    tag="statistics",
    role=Role.READ_ONLY,
)
def get_overview(context: RequestContext) -> dict[str, Any]:
    """Get today's trend by the hour of each report, with today's figures and losses."""
    from chalicelib.reports import statistics

    query: StretchQuery = context.query()
    over = _stretch(context, query)
    counts = statistics.whole(context.world, over)
    return {
        "trend": [_reported(*hour) for hour in statistics.by_hour(context.world, over)],
        "total": {"time": over.first.isoformat(), **statistics.total(counts)},
        "losses": statistics.losses(counts),
    }


def _reported(time: str, counts: statistics.Counts) -> dict[str, Any]:
    from chalicelib.reports import statistics

    sent = statistics.total(counts)
    stages = {stage: sent["deliveries"][stage] for stage in ("planned", "valid", "submitted")}
    return {
        "time": time,
        "requests": sent["requests"],
        **stages,
        **statistics.reported(counts),
    }


@admin(
    bp,
    "statistics/losses",
    "GET",
    query="statistics.StretchQuery",
    response="statistics.LossReasons",
    errors=(404,),
    tag="statistics",
    role=Role.READ_ONLY,
)
def get_losses(context: RequestContext) -> dict[str, Any]:
    """Get losses by reason, in the stages planned, valid, submitted and delivered."""
    from chalicelib.reports import statistics

    query: StretchQuery = context.query()
    return statistics.losses(statistics.whole(context.world, _stretch(context, query)))


@admin(
    bp,
    "statistics/clicks",
    "GET",
    query="statistics.StretchQuery",
    response="statistics.Clicks",
    errors=(404,),
    tag="statistics",
    role=Role.READ_ONLY,
)
def get_clicks(context: RequestContext) -> dict[str, Any]:
    """Get the distribution of clicks by weekday and hour of the day."""
    from chalicelib.reports import statistics

    query: StretchQuery = context.query()
    return {"clicks": statistics.clicks(context.world, _stretch(context, query))}


@admin(
    bp,
    "statistics/providers",
    "GET",
    query="statistics.StretchQuery",
    response="statistics.Providers",
    errors=(404,),
    tag="statistics",
    role=Role.READ_ONLY,
)
def get_providers(context: RequestContext) -> dict[str, Any]:
    """Get rates of each delivery channel, and the time from submission to receipt."""
    from chalicelib.reports import statistics

    query: StretchQuery = context.query()
    return {"providers": statistics.providers(context.world, _stretch(context, query))}


@admin(
    bp,
    "statistics/access-channels",
    "GET",
    query="statistics.ChannelDaysQuery",
    response="statistics.AllChannelDays",
    tag="statistics",
    role=Role.READ_ONLY,
)
def list_days_of_channels(context: RequestContext) -> dict[str, Any]:
    """List the days of each access channel, in the deployment's zone. They lag by up to an hour."""
    from chalicelib.reports import channel_days, statistics

    query: ChannelDaysQuery = context.query()
    world = context.world
    over = statistics.stretch(world, "", query.since, query.until, "")
    page = cursors.page(
        "access_channels",
        context,
        cursors.identifier,
        lambda after, limit: channel_days.days_of_channels(world, after, limit, over),
        lambda found: found[0].key,
        lambda found: {"channel_key": found[0].key, "name": found[0].name, "days": found[1]},
    )
    return {"names": list(TOTALS), **page}


@admin(
    bp,
    "statistics/coverage",
    "GET",
    query="statistics.CoverageQuery",
    response="statistics.Coverage",
    errors=(404,),
    tag="statistics",
    role=Role.READ_ONLY,
)
def get_coverage(context: RequestContext) -> dict[str, Any]:
    """Get how many users have a contact by channel type and delivery channel, as last counted."""
    from chalicelib.reports import coverage

    query: CoverageQuery = context.query()
    key = known_key(query.channel_key) if query.channel_key else ""
    return coverage.shown(context.world, key)


@admin(
    bp,
    "statistics/coverage",
    "POST",
    request="statistics.CoverageBody",
    response="statistics.Coverage",
    status=202,
    errors=(404,),
    tag="statistics",
    role=Role.OPERATOR,
)
def count_coverage(context: RequestContext) -> Response:
    """Count again how many users have a contact. A count that is under way goes on."""
    from chalicelib.flow import coverage as count
    from chalicelib.reports import coverage

    body: CoverageBody = context.body()
    key = known_key(body.channel_key) if body.channel_key else ""
    count.begin(context.world, key)
    return Response(coverage.shown(context.world, key), dict(JSON), 202)
