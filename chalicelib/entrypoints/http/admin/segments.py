"""Segments: by hand, by file and by rules, with their members, estimates, counts and analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import NotFound
from chalicelib.domain.groups import RULES, Family, Group
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import cursors, warnings
from chalicelib.entrypoints.http.admin.groups import member_changes
from chalicelib.entrypoints.http.admin.route import (
    SEARCHES,
    admin,
    expected,
    expected_if_given,
    known_key,
    number,
    tagged,
)
from chalicelib.entrypoints.http.admin.users import userids_of
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.problems import JSON
from chalicelib.manage import groups

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.base import OfOwner
    from chalicelib.entrypoints.http.schemas.groups import Membership
    from chalicelib.entrypoints.http.schemas.segments import (
        AnalysisQuery,
        SegmentBody,
        SegmentChange,
        SegmentEstimateBody,
    )

bp = Blueprint(__name__)

MEMBERS = "segments/{id}/members"


@admin(
    bp,
    "segments",
    "POST",
    request="segments.SegmentBody",
    response="segments.Segment",
    status=201,
    errors=(404, 409),
    role=Role.OPERATOR,
)
def add_segment(context: RequestContext) -> Response:
    """Add a segment of an access channel."""
    from chalicelib.manage import segments

    body: SegmentBody = context.body()
    rule = {"rule": body.rule.stored()} if body.rule else {}
    changes = {**rule, "daily": body.daily}
    key = known_key(body.channel_key)
    return _tagged(segments.add(context.world, key, body.name, body.kind, changes), 201)


@admin(
    bp,
    "segments",
    "GET",
    query="base.OfOwner",
    response="segments.Segments",
    errors=(404,),
    role=Role.READ_ONLY,
)
def list_segments(context: RequestContext) -> dict[str, Any]:
    """List the segments of an access channel."""
    query: OfOwner = context.query()
    key = groups.owner(context.world, Family.SEGMENT, known_key(query.channel_key))
    return cursors.page(
        "segments",
        context,
        cursors.number,
        lambda after, limit: groups.page(context.world, Family.SEGMENT, key, after, limit),
        lambda segment: segment.number,
        _shown,
    )


@admin(bp, "segments/{id}", "GET", response="segments.Segment", role=Role.READ_ONLY)
def get_segment(context: RequestContext, id: str) -> Response:
    """Get a segment."""
    return _tagged(groups.get(context.world, Family.SEGMENT, number(id)))


@admin(
    bp,
    "segments/{id}",
    "PUT",
    request="segments.SegmentChange",
    response="segments.Segment",
    matches=True,
    role=Role.OPERATOR,
)
def change_segment(context: RequestContext, id: str) -> Response:
    """Change the name, the rule or the daily count of a segment."""
    from chalicelib.manage import segments

    body: SegmentChange = context.body()
    changes = body.changes()
    if body.rule is not None:
        changes["rule"] = body.rule.stored()
    return _tagged(segments.change(context.world, number(id), expected(context), changes))


@admin(bp, "segments/{id}", "DELETE", status=204, errors=(409, 412), role=Role.OPERATOR)
def delete_segment(context: RequestContext, id: str) -> Response:
    """Delete a segment. Messages that were accepted keep its rule."""
    groups.delete(context.world, Family.SEGMENT, number(id), expected_if_given(context))
    return Response("", {}, 204)


# -- members


@admin(
    bp,
    MEMBERS,
    "GET",
    query="base.LongListQuery",
    response="users.UserIdsPage",
    role=Role.READ_ONLY,
)
def list_segment_members(context: RequestContext, id: str) -> dict[str, Any]:
    """List the members of a segment. By rules, `limit` users are looked at for each page."""
    from chalicelib.manage import segments

    segment = groups.get(context.world, Family.SEGMENT, number(id))
    if segment.kind != RULES:
        return userids_of(context, segments.set_of(segment))
    return cursors.searched(
        "userids",
        context,
        cursors.user,
        lambda after, limit: segments.members(context.world, segment, after, limit),
        lambda user: user.userid,
    )


@admin(
    bp,
    MEMBERS,
    "POST",
    request="groups.Membership",
    response="groups.MembersChanged",
    errors=(409,),
    role=Role.OPERATOR,
)
def change_segment_members(context: RequestContext, id: str) -> dict[str, Any]:
    """Add members to a segment, and remove others.

    Adding a member again is not an error, and neither is removing a user who is not a member.
    """
    from chalicelib.manage import segments

    body: Membership = context.body()
    segment = groups.get(context.world, Family.SEGMENT, number(id))
    return member_changes(context, segments.set_of(segment), body)


@admin(
    bp, "segments/{id}/members/{userid}", "GET", response="groups.SetMember", role=Role.READ_ONLY
)
def get_segment_member(context: RequestContext, id: str, userid: str) -> dict[str, Any]:
    """Get a member of a segment. 404 means that the user is not a member."""
    from chalicelib.manage import segments

    if len(userid) > 64 or not segments.holds(context.world, number(id), userid):
        raise NotFound("member")
    return {"userid": userid}


# -- estimates and counts


@admin(
    bp,
    "segments/estimate",
    "POST",
    request="segments.SegmentEstimateBody",
    response="segments.SegmentEstimate",
    errors=(404,),
    rate=SEARCHES,
    role=Role.READ_ONLY,
)
def estimate_segment(context: RequestContext) -> dict[str, Any]:
    """Estimate at once how many users a rule selects, from a random sample, before it is saved."""
    from chalicelib.flow import segment_samples
    from chalicelib.manage import access_channels, segments

    body: SegmentEstimateBody = context.body()
    access = access_channels.get(context.world, known_key(body.channel_key))
    rule = body.rule.stored()
    segments.check(context.world, access, rule)
    estimate = segment_samples.estimate(context.world, access.key, rule)
    return {
        "estimate": estimate.members,
        "error": estimate.error,
        "sampled": estimate.sampled,
        "users": estimate.users,
        "warnings": warnings.shown(estimate.warnings, context.language),
    }


@admin(
    bp,
    "segments/{id}/count",
    "POST",
    response="segments.SegmentCount",
    status=202,
    errors=(404,),
    role=Role.OPERATOR,
)
def count_segment(context: RequestContext, id: str) -> Response:
    """Count the members of a segment exactly. A count that is under way goes on."""
    from chalicelib.flow import segment_counts
    from chalicelib.reports import segments

    segment = groups.get(context.world, Family.SEGMENT, number(id))
    segment_counts.begin(context.world, segment)
    return Response(segments.count_of(context.world, segment), dict(JSON), 202)


@admin(
    bp,
    "segments/{id}/count",
    "GET",
    response="segments.SegmentCount",
    errors=(404,),
    role=Role.READ_ONLY,
)
def get_segment_count(context: RequestContext, id: str) -> dict[str, Any]:
    """Get the number of members as counted last, and the progress of a count under way."""
    from chalicelib.reports import segments

    return segments.count_of(context.world, groups.get(context.world, Family.SEGMENT, number(id)))


@admin(
    bp,
    "segments/{id}/analysis",
    "GET",
    query="segments.AnalysisQuery",
    response="segments.SegmentAnalysis",
    errors=(404,),
    role=Role.READ_ONLY,
)
def analyse_segment(context: RequestContext, id: str) -> dict[str, Any]:
    """Get the size of a segment over time, and the rates of the messages that were sent to it."""
    from chalicelib.reports import segments

    query: AnalysisQuery = context.query()
    segment = groups.get(context.world, Family.SEGMENT, number(id))
    return segments.analysis(context.world, segment, query.days)


def _tagged(segment: Group, status: int = 200) -> Response:
    return tagged(_shown(segment), segment.version, status)


def _shown(segment: Group) -> dict[str, Any]:
    return {
        "id": segment.number,
        "channel_key": segment.channel_key,
        "name": segment.name,
        "kind": segment.kind,
        "rule": dict(segment.rule) or None,
        "daily": segment.daily,
        "version": segment.version,
    }
