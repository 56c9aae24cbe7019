"""The history of a user: what was sent to the user, what became of it, and why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.errors import NotFound
from chalicelib.domain.messages import Ending, Message, Sent
from chalicelib.flow import evaluate
from chalicelib.ports import World
from chalicelib.reports import message as report
from chalicelib.reports import messages
from chalicelib.reports.chunks import chunks_of

DAY = 86_400_000  # ms
SCANNED = (AudienceKind.SETS, AudienceKind.EVERYONE)
LISTED = 100  # messages in which a page looks for those to tags and to everyone
STATE = ("state", "loss", "why")

Row = dict[str, Any]


def of_user(
    world: World, userid: str, channel_key: str, days: int, before: str, limit: int, *, states: bool
) -> tuple[list[Row], str | None]:
    """Return messages to a user before an id, newest first, and where the list goes on.

    With a channel key, messages to tags, segments and everyone are among them. With `states`, each
    has the user's state, and those that were not for the user are left out. So a page may be short.
    Raises NotFound without such an access channel.
    """
    now = world.clock.now()
    since, before = now - days * DAY, before or keys.message_id(now + 1, bytes(4))
    sent, end = world.messages.sent_to(userid, before, since, limit + 1)
    found = {each for each in sent if not channel_key or each.channel_key == channel_key}
    if channel_key:
        listed = messages.newest(world, channel_key, before, LISTED, since)
        found |= {Sent(channel_key, each.msgid) for each in listed if each.audience in SCANNED}
        end = max(end, listed[-1].msgid if len(listed) == LISTED else "")
    ordered = sorted((each for each in found if each.msgid >= end), key=_id, reverse=True)
    if len(ordered) > limit:
        ordered = ordered[:limit]
        end = ordered[-1].msgid
    shown = _known(world, ordered)
    if not states:
        return [_row(each) for each in shown], end or None
    by_id = states_of(world, userid, [each.msgid for each in shown])
    return [_row(each) | by_id[each.msgid] for each in shown if each.msgid in by_id], end or None


def _id(sent: Sent) -> str:
    return sent.msgid


def _row(message: Message) -> Row:
    return {
        "msgid": message.msgid,
        "channel_key": message.channel_key,
        "name": message.name,
        "accepted": keys.message_time(message.msgid),
        **dict.fromkeys(STATE),
    }


def _known(world: World, sent: Sequence[Sent]) -> list[Message]:
    """Return the messages that are still there, with a request each for them and for endings."""
    msgids = [each.msgid for each in sent]
    stored, endings = _read(world, msgids)
    return [
        stored[msgid]
        for msgid in msgids
        if msgid in stored and not (msgid in endings and endings[msgid].is_deleted)
    ]


def _read(
    world: World, msgids: Sequence[str]
) -> tuple[Mapping[str, Message], Mapping[str, Ending]]:
    if not msgids:
        return {}, {}
    return world.recordings.read(msgids, [])[0], world.messages.endings(msgids)


def states_of(world: World, userid: str, msgids: Sequence[str]) -> dict[str, Row]:
    """Return the user's state in messages by id, without those that were not for the user.

    This takes a request for messages, for endings and for plans, and one for each message.
    """
    stored, endings = _read(world, list(dict.fromkeys(msgids)))
    places = chunks_of(world, list(stored.values()), userid)
    states: dict[str, Row] = {}
    for msgid, sent in stored.items():
        ending = endings.get(msgid)
        if ending is not None and ending.is_deleted:
            continue
        at = places.get(msgid)
        chunk = world.ledger.chunk(at, sent) if at else None
        try:
            if evaluate.may_be_overdue(world, sent, chunk):
                target = report.target(world, sent.channel_key, msgid, userid)
            else:
                target = report.target_in(world, sent, chunk, userid, is_over=ending is not None)
        except NotFound:
            continue
        states[msgid] = {"name": sent.name, **{name: target[name] for name in STATE}}
    return states
