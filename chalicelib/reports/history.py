"""The history of a user: what was sent to the user, what became of it, and why not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.errors import NotFound
from chalicelib.domain.messages import Sent
from chalicelib.ports import World
from chalicelib.reports import message as report
from chalicelib.reports import messages

DAY = 86_400_000  # ms
MOST_DAYS = 60
SCANNED = (AudienceKind.SETS, AudienceKind.EVERYONE)
LISTED = 500  # messages of an access channel in which those to tags and to everyone are looked for


def of_user(
    world: World, userid: str, channel_key: str, days: int, before: str, limit: int
) -> list[dict[str, Any]]:
    """Return messages to a user before an id, newest first, with the user's state in each.

    With a channel key, messages to tags, segments and everyone are among them.
    Raises NotFound without such an access channel.
    """
    now = world.clock.now()
    since = now - days * DAY
    sent = {
        each
        for each in world.messages.sent_to(userid, since, now)
        if not channel_key or each.channel_key == channel_key
    }
    if channel_key:
        sent |= set(_scanned(world, channel_key, since, before))
    shown: list[dict[str, Any]] = []
    for each in sorted(sent, key=lambda each: each.msgid, reverse=True):
        if len(shown) == limit:
            break
        is_older = not before or each.msgid < before
        if is_older and keys.message_time(each.msgid) >= since:
            shown += _states(world, each, userid)
    return shown


def _scanned(world: World, channel_key: str, since: int, before: str) -> Iterator[Sent]:
    """Yield messages to tags, segments and everyone, of which the user may be a target."""
    for summary in messages.newest(world, channel_key, before, LISTED, since):
        if summary.audience in SCANNED:
            yield Sent(channel_key, summary.msgid)


def _states(world: World, sent: Sent, userid: str) -> Iterator[dict[str, Any]]:
    """Yield the state of the user in a message, unless it is gone or was not for the user."""
    try:
        target = report.target(world, sent.channel_key, sent.msgid, userid)
    except NotFound:
        return
    yield {
        "msgid": sent.msgid,
        "channel_key": sent.channel_key,
        "accepted": keys.message_time(sent.msgid),
        **{name: target[name] for name in ("state", "loss", "why")},
    }
