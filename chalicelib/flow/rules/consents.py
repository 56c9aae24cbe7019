"""Keep to consent: a message with a purpose goes only to contacts that have agreed to it."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.consents import NO_CONSENT, RULE
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.messages import Message
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.select import Contacts, Selection, leave_out
from chalicelib.ports import World


def purpose_of(request: SendRequest) -> str:
    """Return the purpose that the access channel requires of a message without a topic's own."""
    rule = request.channel.rules.get(RULE)
    if not rule or request.priority.value in rule["exempt"]:
        return ""
    return str(rule["purpose"])


def for_targets(
    world: World, message: Message, selections: Sequence[Selection]
) -> Sequence[Selection]:
    """Leave out contacts without consent. A target keeps those that have it."""
    if not message.purpose:
        return selections
    named: dict[ChannelType, set[str]] = {}
    for selection in selections:
        for code, contacts in selection.sendable.items():
            named.setdefault(message.channels[code], set()).update(contacts)
    agreed = world.consents.agreed(message.channel_key, message.purpose, named) if named else {}

    def kept(selection: Selection) -> Contacts:
        return {
            code: tuple(c for c in contacts if c in agreed.get(message.channels[code], ()))
            for code, contacts in selection.sendable.items()
        }

    return [_with(selection, kept(selection)) for selection in selections]


def _with(selection: Selection, contacts: Contacts) -> Selection:
    if selection.target.loss is not None or contacts == selection.contacts:
        return selection
    changed = leave_out(selection, {c: NO_CONSENT for c, of in contacts.items() if not of})
    left = {code: of for code, of in contacts.items() if of}
    numbers = {code: len(of) for code, of in left.items()}
    target = changed.target._replace(contacts=numbers)
    return changed._replace(target=target, contacts=left)
