"""Reviews: what waits for one's decision, one's own requests, and what was decided."""

from __future__ import annotations

import json

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.pages.review import settings as settings
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit

PAGE = 50


@page("GET", "/c/{key}/review")
def to_review(visit: Visit) -> Reply:
    return _list(visit, "to_review")


@page("GET", "/c/{key}/review/mine")
def mine(visit: Visit) -> Reply:
    return _list(visit, "asked")


@page("GET", "/c/{key}/review/decided")
def decided(visit: Visit) -> Reply:
    return _list(visit, "decided")


def _list(visit: Visit, tab: str) -> Reply:
    query = {"list": tab, "limit": PAGE, "cursor": visit.asked("cursor") or None}
    listed = visit.api.get("reviews", query=query)
    return visit.show(
        "review/list.html", tab=tab, reviews=listed["reviews"], cursor=listed["cursor"]
    )


@page("GET", "/c/{key}/review/{id}")
def review(visit: Visit) -> Reply:
    return _shown(visit)


def _shown(visit: Visit, error: ApiError | None = None) -> Reply:
    found = visit.api.get("reviews/{id}", id=visit.ids["id"])
    members = visit.every("members", "members")
    level = found["review"]["level"]
    reviewers = found["review"]["levels"][level - 1] if level else []
    content = found["template"]["contents"] if found["template"] else found["message"]
    return visit.show(
        "review/review.html",
        error=error,
        found=found,
        names={each["access_key"]: each["name"] for each in members},
        is_mine=visit.who.key in reviewers and visit.who.key not in found["review"]["askers"],
        content=json.dumps(content, ensure_ascii=False, indent=1),
    )


@page("POST", "/c/{key}/review/{id}")
def decide(visit: Visit) -> Reply:
    """Decide. The API refuses those whom no level names, and those who asked."""
    approved = visit.form.text("do") == "approve"
    body = {"approved": approved, "comment": visit.form.text("comment")}
    try:
        visit.api.change("POST", "reviews/{id}/decision", body, id=visit.ids["id"])
    except ApiError as error:
        return _shown(visit, error)
    return visit.go(visit.at("/review"), "approved" if approved else "rejected")
