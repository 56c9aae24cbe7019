"""Report what a withdrawal has done: deliveries that were stopped, taken back, or cannot be."""

from __future__ import annotations

from chalicelib.domain.funnel import WITHDRAWAL, Counts
from chalicelib.flow import tally
from chalicelib.flow.messages import sent_by
from chalicelib.ports import World


def withdrawal(world: World, channel_key: str, msgid: str) -> dict[str, int] | None:
    """Return the deliveries of a withdrawn message by result.

    None for a large audience, which is counted later.
    """
    sent = sent_by(world, channel_key, msgid)
    if sent.audience.is_scanned or len(sent.userids) > tally.LIVE_TARGETS:
        return None
    return shown(tally.live(world, sent))


def shown(counts: Counts) -> dict[str, int]:
    return {name: counts.withdrawal.get(name, 0) for name in WITHDRAWAL}
