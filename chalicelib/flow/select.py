"""3. Which contacts of which delivery channel a target gets; who falls out, and why."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Target, TargetLoss
from chalicelib.domain.users import User

Contacts = Mapping[str, tuple[str, ...]]


def select(message: Message, userid: str, user: User | None) -> tuple[Target, Contacts]:
    """A target, and its contacts by code of the delivery channel."""
    if user is None:
        return Target(userid, TargetLoss.UNKNOWN_USER, {}), {}
    contacts = {
        code: tuple(dict.fromkeys(found))
        for code, kind in sorted(message.channels.items())
        if (found := user.contacts_on((code, kind), message.channel_key))
    }
    loss = None if contacts else TargetLoss.NO_CONTACT
    return Target(userid, loss, {code: len(found) for code, found in contacts.items()}), contacts
