"""Rules of sending of an access channel: quiet hours, caps, broadcasts, consent, retention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.forms import number_of
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role
from chalicelib.domain.rules.caps import MAX_CAPS

OPERATOR = Role.OPERATOR.value
MAX_WINDOWS = 15
ALL = (1, 2, 3)  # priorities
USUAL = [2, 3]  # priorities that a new row is for
DAY = 24  # hours
RULES = ("quiet-hours", "broadcast-quota", "budget", "retention", "caps", "consents")


@page("GET", "/c/{key}/rules")
def rules(visit: Visit) -> Reply:
    return _shown(visit)


def _shown(visit: Visit, error: ApiError | None = None) -> Reply:
    now = {rule: visit.api.get(f"{rule}/{{key}}", key=visit.key) for rule in RULES}
    posted = visit.request.path.rpartition("/")[2]
    windows = _windows(visit) if posted == "quiet-hours" else now["quiet-hours"]["windows"]
    caps = _caps(visit) if posted == "caps" else now["caps"]["caps"]
    return visit.show(
        "rules/rules.html",
        error=error,
        quiet=now["quiet-hours"],
        windows=[*windows, None][:MAX_WINDOWS],
        has_zones=len({each["time_zone"] for each in windows}) > 1,
        zone="Asia/Shanghai" if visit.door.utc_offset == 8 else "UTC",
        quota=now["broadcast-quota"],
        budget=now["budget"],
        retention=now["retention"],
        version=now["caps"]["version"],
        caps=[*map(_shown_cap, caps), None][:MAX_CAPS],
        consent=now["consents"],
        topics=visit.every("topics", "topics", channel_key=visit.key),
        usual=USUAL,
        ticked={posted: _ticked(visit, 0)} if error else {},
    )


def _put(visit: Visit, rule: str, body: Mapping[str, Any] | None) -> Reply:
    """Set a rule, or switch it off. The page shows a refused form again."""
    route = f"{rule}/{{key}}"
    try:
        if body is None:
            visit.api.change("DELETE", route, version=visit.form.version, key=visit.key)
        else:
            visit.api.change("PUT", route, body, version=visit.form.version, key=visit.key)
    except ApiError as error:
        return _shown(visit, error)
    return visit.go(visit.at("/rules"), "saved")


def _ticked(visit: Visit, place: int) -> list[int]:
    """Return the priorities that are ticked in a row of a form."""
    return [n for n in ALL if f"{place}:{n}" in visit.form.many("priorities")]


@page("POST", "/c/{key}/rules/quiet-hours", needs=OPERATOR)
def quiet_hours(visit: Visit) -> Reply:
    windows = _windows(visit)
    body = {"action": visit.form.text("action"), "windows": windows} if windows else None
    return _put(visit, "quiet-hours", body)


def _windows(visit: Visit) -> Sequence[Mapping[str, Any]]:
    """Return the rows of quiet hours that have a time."""
    form = visit.form
    rows = zip(form.column("begin"), form.column("end"), strict=False)
    zones = dict(enumerate(form.column("zone")))
    return [
        {
            "begin": begin,
            "end": end,
            "time_zone": zones.get(place) or form.text("time_zone"),
            "priorities": _ticked(visit, place),
        }
        for place, (begin, end) in enumerate(rows)
        if begin or end
    ]


@page("POST", "/c/{key}/rules/caps", needs=OPERATOR)
def caps(visit: Visit) -> Reply:
    asked = _caps(visit)
    return _put(visit, "caps", {"caps": asked} if asked else None)


def _caps(visit: Visit) -> Sequence[Mapping[str, Any]]:
    """Return the rows of caps that have a number."""
    form = visit.form
    names = ("most", "span", "unit", "channel", "topic")
    rows = zip(*(form.column(name) for name in names), strict=False)
    return [
        {
            "most": number_of(most),
            "days" if unit == "days" else "hours": number_of(span),
            "channel": kind or None,
            "topic": number_of(topic) if topic else None,
            "exempt": [n for n in ALL if n not in _ticked(visit, place)],
        }
        for place, (most, span, unit, kind, topic) in enumerate(rows)
        if most or span
    ]


def _shown_cap(cap: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a cap as a row of the form. Whole days are shown as days."""
    hours = cap.get("hours")
    if "days" not in cap and isinstance(hours, int) and hours and hours % DAY == 0:
        cap = {**cap, "days": hours // DAY}
    unit = "days" if "days" in cap else "hours"
    return {**cap, "span": cap[unit], "unit": unit}


@page("POST", "/c/{key}/rules/broadcast-quota", needs=OPERATOR)
def broadcast_quota(visit: Visit) -> Reply:
    number = visit.form.number("per_day")
    return _put(visit, "broadcast-quota", None if number is None else {"per_day": number})


@page("POST", "/c/{key}/rules/budget", needs=OPERATOR)
def budget(visit: Visit) -> Reply:
    amount, share = visit.form.amount("per_month"), visit.form.amount("warn_at")
    if amount is None:
        return _put(visit, "budget", None)
    exempt = [n for n in ALL if n not in _ticked(visit, 0)]
    warn_at = round(share / 100, 9) if isinstance(share, float) else share
    body = {"per_month": amount, "exempt": exempt, "warn_at": warn_at}
    return _put(visit, "budget", {name: part for name, part in body.items() if part is not None})


@page("POST", "/c/{key}/rules/retention", needs=OPERATOR)
def retention(visit: Visit) -> Reply:
    number = visit.form.number("days")
    return _put(visit, "retention", None if number is None else {"days": number})


@page("POST", "/c/{key}/rules/consents", needs=OPERATOR)
def consents(visit: Visit) -> Reply:
    """Require a consent of messages whose topic names no purpose of its own."""
    purpose = visit.form.text("purpose")
    exempt = [n for n in ALL if n not in _ticked(visit, 0)]
    return _put(visit, "consents", {"purpose": purpose, "exempt": exempt} if purpose else None)
