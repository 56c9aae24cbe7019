"""Reviews: who must approve, what waits for approval, and decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.errors import Invalid
from chalicelib.domain.members import Member, Role
from chalicelib.entrypoints.http import cursors, sends, shown_requests
from chalicelib.entrypoints.http.admin import schedules as scheduled
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_key,
    tagged,
)
from chalicelib.entrypoints.http.admin.templates import shown_version
from chalicelib.entrypoints.http.audit import log_change
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.route import known_msgid
from chalicelib.entrypoints.http.ums.send import CHECKED
from chalicelib.manage import access_channels

if TYPE_CHECKING:
    from chalicelib.domain.stored_requests import StoredRequest
    from chalicelib.entrypoints.http.schemas.reviews import (
        ReviewChange,
        ReviewDecision,
        ReviewSettings,
        ReviewsQuery,
    )
    from chalicelib.entrypoints.http.schemas.templates import TemplateChange

bp = Blueprint(__name__)


@admin(
    bp,
    "access-channels/{key}/reviews",
    "GET",
    tag="reviews",
    response="reviews.ReviewSettingsShown",
    role=Role.READ_ONLY,
)
def get_review_settings(context: RequestContext, key: str) -> Response:
    """Get what an access channel has reviewed, and by whom."""
    access = access_channels.get(context.world, known_key(key))
    return tagged(_shown_settings(access), access.version)


@admin(
    bp,
    "access-channels/{key}/reviews",
    "PUT",
    tag="reviews",
    request="reviews.ReviewSettings",
    response="reviews.ReviewSettingsShown",
    matches=True,
    role=Role.ADMINISTRATOR,
)
def set_review_settings(context: RequestContext, key: str) -> Response:
    """Set what an access channel has reviewed, and by whom."""
    from chalicelib.manage import reviews

    body: ReviewSettings = context.body()
    access = reviews.set_settings(context.world, known_key(key), expected(context), body.settings())
    return tagged(_shown_settings(access), access.version)


@admin(
    bp,
    "reviews",
    "GET",
    query="reviews.ReviewsQuery",
    response="reviews.Reviews",
    role=Role.READ_ONLY,
)
def list_reviews(context: RequestContext) -> Any:
    """List what you may decide now, have asked for, or have decided, newest first."""
    from chalicelib.manage import reviews

    query: ReviewsQuery = context.query()
    member = _caller(context).key
    return cursors.page(
        "reviews",
        context,
        cursors.time_ordered_id,
        lambda before, limit: reviews.page(context.world, query.list, member, before, limit),
        lambda stored: stored.id,
        lambda stored: {**shown_requests.shown(stored), "review": _progress(stored)},
    )


@admin(bp, "reviews/{id}", "GET", response="reviews.Reviewed", role=Role.READ_ONLY)
def get_review(context: RequestContext, id: str) -> Response:
    """Get a message or a template under review. Registration ids are left out."""
    from chalicelib.manage import reviews

    return _tagged(reviews.get(context.world, known_msgid(id)))


@admin(
    bp,
    "reviews/{id}/decision",
    "POST",
    request="reviews.ReviewDecision",
    response="reviews.Reviewed",
    errors=(409, 412),
    role=Role.READ_ONLY,
)
def decide_review(context: RequestContext, id: str) -> Response:
    """Approve or reject, as one of the reviewers whose level must decide, whatever your role."""
    from chalicelib.manage import reviews

    body: ReviewDecision = context.body()
    if not body.approved and not body.comment.strip():
        raise Invalid("comment", "is required to reject")
    decided = reviews.decide(
        context.world,
        known_msgid(id),
        expected_if_given(context),
        _caller(context),
        approved=body.approved,
        comment=body.comment,
        door=sends.door(),
    )
    log_change(context, "POST", "/admin/v1/reviews/{id}/decision", {"id": id})
    return _tagged(decided)


@admin(
    bp,
    "reviews/{id}",
    "PUT",
    request="reviews.ReviewChange",
    response="reviews.Reviewed",
    matches=True,
    errors=(*CHECKED, 1019081),
    role=Role.OPERATOR,
)
def change_review(context: RequestContext, id: str) -> Response:
    """Change a message or template that you asked for, and ask again from the first level on."""
    from chalicelib.domain.stored_requests import Form
    from chalicelib.manage import reviews

    body: ReviewChange = context.body()
    before = reviews.get(context.world, known_msgid(id))
    if before.written.form is Form.TEMPLATE:
        return _change_template(context, id, body.template)
    if body.message is None:
        raise Invalid("message", "is required")
    request = scheduled.read_request(
        context, before.channel_key, body.message, broadcast=body.broadcast
    )
    timing = body.schedule.timing() if body.schedule else before.timing
    request = replace(request, timing=timing)
    member = _caller(context)
    version, door = expected(context), sends.door()
    return _tagged(reviews.resend(context.world, id, version, member, request, door))


def _change_template(context: RequestContext, id: str, change: TemplateChange | None) -> Response:
    from chalicelib.domain.templates import Template
    from chalicelib.manage import reviews, templates

    if change is None:
        raise Invalid("template", "is required")

    def read(proposed: Template) -> Template:
        return templates.revised(
            context.world, proposed, change.name, change.contents, change.links
        )

    member, version = _caller(context), expected(context)
    return _tagged(reviews.change_proposal(context.world, id, version, member, read))


def _caller(context: RequestContext) -> Member:
    if context.member is None:
        raise TypeError("this route is for members")
    return context.member


def _shown_settings(access: AccessChannel) -> dict[str, Any]:
    from chalicelib.manage import reviews

    settings = reviews.settings(access)
    cases = [
        {
            "origin": case.origin.value,
            "kinds": [kind.value for kind in case.kinds],
            "audiences": [kind.value for kind in case.audiences],
        }
        for case in settings.cases
    ]
    levels = [list(level) for level in settings.messages]
    templates = [list(level) for level in settings.templates]
    return {
        "channel_key": access.key,
        "messages": {"levels": levels, "cases": cases} if levels else None,
        "templates": {"levels": templates} if templates else None,
        "version": access.version,
    }


def _tagged(stored: StoredRequest) -> Response:
    from chalicelib.domain.stored_requests import Form
    from chalicelib.manage import reviews

    is_template = stored.written.form is Form.TEMPLATE
    template = shown_version(reviews.proposed(stored)) if is_template else None
    whole = {**shown_requests.whole(stored), "template": template, "review": _progress(stored)}
    return tagged(whole | ({"message": None} if is_template else {}), stored.version)


def _progress(stored: StoredRequest) -> dict[str, Any]:
    review = stored.review
    if review is None:
        raise TypeError("this request was never under review")
    return {
        "level": review.level + 1 if stored.is_in_review else None,
        "levels": [list(level) for level in review.levels],
        "askers": list(review.askers),
        "decisions": [
            {
                "level": decision.level + 1,
                "access_key": decision.member,
                "name": decision.name,
                "approved": decision.approved,
                "comment": decision.comment,
                "time": decision.time,
            }
            for decision in review.all_decisions
        ],
    }
