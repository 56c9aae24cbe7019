"""Send a message of an A/B test to its part of the audience, and to nobody who is held out.

People of other messages of the test are not targets. The message of the baseline has those who are
held out. So their life cycle says why they got nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Target, TargetLoss
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.resolve import ResolvedSend
from chalicelib.flow.select import NOWHERE, Selection
from chalicelib.ports import World


def named_of(request: SendRequest, resolved: ResolvedSend) -> tuple[SendRequest, ResolvedSend]:
    """Return a send with those of its named targets that the message is for."""
    split = request.split
    if split is None:
        return request, resolved
    userids = tuple(userid for userid in request.userids if split.includes(userid))
    contacts = {name: of for name, of in resolved.contacts.items() if split.includes(name)}
    return replace(request, userids=userids), resolved._replace(contacts=contacts)


def for_targets(
    world: World, message: Message, selections: Sequence[Selection]
) -> Sequence[Selection]:
    """Leave out those who are held out, whatever else would keep them from getting it."""
    split = message.split
    if split is None:
        return selections
    return [
        _held_out(message, selection) if split.holds_out(selection.target.id) else selection
        for selection in selections
    ]


def _held_out(message: Message, selection: Selection) -> Selection:
    target = Target(selection.target.id, TargetLoss.HOLDOUT, {})
    # Callbacks name a lost target by its contact, which belongs to no delivery.
    named = selection.contacts.values() if selection.user is None and message.callbacks else ()
    contacts = {NOWHERE: next(iter(named))} if named else {}
    return Selection(target, contacts)
