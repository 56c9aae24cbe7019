"""The audit log: who changed what."""

from __future__ import annotations

from chalicelib.console.door import Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit

MONTHS = 12  # that one may choose


@page("GET", "/audit")
def changes(visit: Visit) -> Reply:
    now = visit.texts.at(visit.texts.now)
    months = [
        f"{now.year - (now.month - 1 - back < 0)}-{(now.month - 1 - back) % 12 + 1:02d}"
        for back in range(MONTHS)
    ]
    month = visit.asked("month")
    query = {"limit": 50, "cursor": visit.asked("cursor") or None}
    if month in months:
        query["month"] = month
    listed = visit.api.get("audit", query=query)
    return visit.show(
        "audit/list.html",
        changes=listed["changes"],
        cursor=listed["cursor"],
        months=months,
        month=month,
    )
