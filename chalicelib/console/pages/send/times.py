"""Times of a message: the schedule that the form stands for, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.console.door import ApiError, Problem
from chalicelib.console.forms import Form
from chalicelib.console.texts import Texts
from chalicelib.console.visit import Visit

LATER = ("later", "repeat", "date")  # kinds of times at which a message waits
MINUTES = 16  # characters of a time without its seconds


def waits(form: Form) -> bool:
    """Tell if the message of a form is sent at times of its own."""
    return form.text("when") in LATER


def schedule_of(visit: Visit, *, is_draft: bool = False) -> dict[str, Any]:
    """Return the schedule of a form. Raise ApiError where a time is missing, but in a draft."""
    form = visit.form
    kind = form.text("when")
    if kind == "later" and not form.text("at") and not is_draft:
        raise ApiError(400, [Problem("schedule.at", visit.say("Choose a time."))])
    schedule = {"later": _once, "repeat": _again, "date": _of_users}[kind](visit)
    if form.text("zone_attribute"):
        schedule["zone_attribute"] = form.text("zone_attribute")
    if form.number("if_late") is not None:
        schedule["if_late"] = form.number("if_late")
    return schedule


def _once(visit: Visit) -> dict[str, Any]:
    at = visit.form.text("at")[:MINUTES]
    if visit.form.text("zone_attribute"):
        return {"at": at, "time_zone": visit.form.text("time_zone")}
    return {"at": _with_offset(at, visit.texts)}


def _with_offset(at: str, texts: Texts) -> str:
    """Return a time with the offset that the zone has then. The API refuses other texts."""
    try:
        return datetime.fromisoformat(at).replace(tzinfo=texts.zone).isoformat(timespec="minutes")
    except ValueError:
        return at


def _again(visit: Visit) -> dict[str, Any]:
    return {"cron": visit.form.text("cron"), **_ends(visit.form)}


def _of_users(visit: Visit) -> dict[str, Any]:
    form = visit.form
    date: dict[str, Any] = {"attribute": form.text("attribute"), "time": form.text("time")}
    date["days"] = form.number("days") or 0
    date["yearly"] = form.flag("yearly")
    return {"date": date, **_ends(form)}


def _ends(form: Form) -> dict[str, str]:
    until = {"until": form.text("until")[:MINUTES]} if form.text("until") else {}
    return {**until, "time_zone": form.text("time_zone")}


def fields(schedule: Mapping[str, Any], next: int | None, texts: Texts) -> dict[str, str]:
    """Return the fields that stand for a schedule, whose next time is `next` (ms)."""
    filled = {
        "time_zone": schedule["time_zone"],
        "zone_attribute": schedule["zone_attribute"] or "",
        "if_late": str(schedule["if_late"]),
        "until": (schedule["until"] or "")[:MINUTES],
    }
    if schedule["cron"]:
        return {**filled, "when": "repeat", "cron": schedule["cron"]}
    if schedule["date"]:
        date = schedule["date"]
        filled |= {"attribute": date["attribute"], "time": date["time"], "days": str(date["days"])}
        return {**filled, "when": "date"} | ({"yearly": "1"} if date["yearly"] else {})
    if schedule["zone_attribute"]:
        return {**filled, "when": "later", "at": schedule["at"][:MINUTES]}
    at = f"{texts.at(next):%Y-%m-%dT%H:%M}" if next else ""
    return {**filled, "when": "later", "at": at, "time_zone": ""}


def drafted(schedule: Any, texts: Texts) -> dict[str, str]:
    """Return the fields that stand for the schedule of a draft, which may lack anything."""
    if not isinstance(schedule, Mapping):
        return {}
    names = ("time_zone", "zone_attribute", "if_late", "cron")
    filled = {name: str(schedule[name]) for name in names if schedule.get(name) is not None}
    filled["until"] = str(schedule.get("until") or "")[:MINUTES]
    date = schedule.get("date")
    if isinstance(date, Mapping):
        parts = {n: str(date[n]) for n in ("attribute", "time", "days") if date.get(n) is not None}
        yearly = {"yearly": "1"} if date.get("yearly") else {}
        return {**filled, **parts, **yearly, "when": "date"}
    if "cron" in filled:
        return {**filled, "when": "repeat"}
    return {**filled, "when": "later", "at": _local(str(schedule.get("at") or ""), texts)}


def _local(at: str, texts: Texts) -> str:
    """Return a time without its offset, by the clock of the page."""
    try:
        time = datetime.fromisoformat(at)
        local = time.astimezone(texts.zone) if time.tzinfo else time
    except (ValueError, OverflowError):
        return at
    return local.isoformat()[:MINUTES]
