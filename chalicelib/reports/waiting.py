"""Report on messages that were not sent yet, or never were: scheduled, or under review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.domain.errors import NotFound
from chalicelib.domain.funnel import STAGES
from chalicelib.domain.messages import SCHEDULE
from chalicelib.ports import World
from chalicelib.reports import message as report

if TYPE_CHECKING:
    from chalicelib.domain.stored_requests import StoredRequest


def message(world: World, channel_key: str, msgid: str) -> dict[str, Any]:
    """Report on a message, or on the stored request that has this id.

    A request that was sent once is reported as what it became. Raises NotFound.
    """
    try:
        return report.message(world, channel_key, msgid)
    except NotFound:
        stored = world.stored.get(msgid)
        if stored is None or stored.channel_key != channel_key or not stored.is_send:
            raise
        if stored.became:
            return report.message(world, channel_key, stored.became)
        return _waiting(stored)


def _waiting(stored: StoredRequest) -> dict[str, Any]:
    """Report that nothing has left."""
    about, nobody = stored.about, dict.fromkeys(STAGES, 0)
    template = {"id": about.template, "version": 0} if about.template else None
    split = stored.split
    open_counts = dict.fromkeys(("planned", "undecided", "unsubmitted", "awaiting_receipt"), 0)
    return {
        "msgid": stored.id,
        "status": stored.status,
        "name": stored.name,
        "owner": stored.owner,
        "origin": SCHEDULE if stored.timing else stored.written.origin.value,
        "sender": stored.written.member or None,
        "accepted": stored.created,
        "ended": None,
        "priority": about.priority,
        "template": template,
        "rule_id": about.rule_id,
        "ab_test": {"id": split.test, "variant": split.variant} if split else None,
        "sendno": about.sendno,
        "progress": {"targets": None, **open_counts},
        "funnel": {"users": nobody, "channels": {}},
        "steps": [],
        "losses": {"users": {}, "channels": {}},
        "tracked": [],
        "balanced": True,
        "held_until": None,
        "hold_reason": None,
        "withdrawal": None,
    }
