"""Stored requests as answers show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chalicelib.domain.stored_requests import Result, StoredRequest


def is_broadcast(stored: StoredRequest) -> bool:
    from chalicelib.domain.stored_requests import Form

    return stored.written.form is Form.BROADCAST


def whole(stored: StoredRequest) -> dict[str, Any]:
    body = without_ids(stored.written.body)
    return {**shown(stored), "broadcast": is_broadcast(stored), "message": body}


def without_ids(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a send without registration ids."""
    return {
        name: value
        for name, value in body.items()
        if not (isinstance(value, list) and name.startswith("aud_") and _has_ids(value))
    }


def _has_ids(groups: list[Any]) -> bool:
    """Tell if the groups of an `aud_…` hold registration ids."""
    return any(isinstance(group, dict) for group in groups)


def shown(stored: StoredRequest) -> dict[str, Any]:
    about = stored.about
    return {
        "id": stored.id,
        "channel_key": stored.channel_key,
        "name": stored.name,
        "state": stored.state.value,
        "origin": stored.written.origin.value,
        "owner": stored.owner or stored.written.member,
        "created": stored.created,
        "next": stored.next if stored.is_scheduled else None,
        "schedule": _shown_schedule(stored),
        "kind": about.kind.value,
        "audience": about.audience.value,
        "channels": [kind.value for kind in about.channels],
        "template_id": about.template,
        "rule_id": about.rule_id,
        "sendno": about.sendno,
        "last": result(stored.last) if stored.last else None,
        "version": stored.version,
    }


def _shown_schedule(stored: StoredRequest) -> dict[str, Any] | None:
    timing = stored.timing
    if timing is None:
        return None
    rule, date = timing.date_rule, None
    if rule is not None:
        minute, hour = (int(field) for field in timing.cron.split()[:2])
        time = f"{hour:02d}:{minute:02d}"
        date = {"attribute": rule.attribute, "days": rule.days, "time": time, "yearly": rule.yearly}
    return {
        "at": timing.at or None,
        "cron": None if rule else timing.cron or None,
        "date": date,
        "until": timing.until or None,
        "time_zone": timing.zone,
        "zone_attribute": timing.zone_attribute or None,
        "if_late": timing.if_late,
    }


def result(of: Result) -> dict[str, Any]:
    return {
        "id": of.id,
        "at": of.at,
        "time": of.time,
        "outcome": of.outcome.value,
        "msgid": of.msgid or None,
        "code": of.code,
        "reason": of.reason,
        "number": of.number,
    }
