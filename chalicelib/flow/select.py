"""3. Which contacts of which delivery channel a target gets; who falls out, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Target, TargetLoss
from chalicelib.domain.users import User
from chalicelib.ports import Vault

Contacts = Mapping[str, tuple[str, ...]]


class Lists(NamedTuple):
    """Who of a chunk is on the message's lists. `white` None: there is none."""

    black: Collection[str] = ()
    white: Collection[str] | None = None


def select(
    message: Message,
    userid: str,
    user: User | None,
    lists: Lists = Lists(),  # noqa: B008 immutable
    to_gone: Collection[str] = (),
) -> tuple[Target, Contacts]:
    """A target, and its contacts by code of the delivery channel. Contacts that are dead or have opted out are left out.

    `to_gone`: delivery channels that try dead contacts, too.
    """
    loss = _lost(userid, user, lists)
    if user is None or loss is not None:
        return Target(userid, loss, {}), {}
    contacts: dict[str, tuple[str, ...]] = {}
    refused: dict[str, str] = {}
    for code, kind in sorted(message.channels.items()):
        found = tuple(
            dict.fromkeys(
                user.contacts_on((code, kind), message.channel_key, message.labels.get(code, ()))
            )
        )
        suppressions = {
            contact: suppression
            for contact in found
            if (suppression := user.suppression(kind, contact, message.channel_key))
        }
        tried = TargetLoss.CONTACT_GONE if code in to_gone else None
        if usable := tuple(
            contact for contact in found if suppressions.get(contact) in (None, tried)
        ):
            contacts[code] = usable
        if suppressions:
            refused[code] = suppressions[next(iter(suppressions))]
    return Target(
        userid,
        None if contacts else _why_none(refused),
        {code: len(c) for code, c in contacts.items()},
        refused,
    ), contacts


def _lost(userid: str, user: User | None, lists: Lists) -> TargetLoss | None:
    if user is None:
        return TargetLoss.UNKNOWN_USER
    if userid in lists.black:
        return TargetLoss.BLACKLISTED
    if lists.white is not None and userid not in lists.white:
        return TargetLoss.NOT_WHITELISTED
    return None


def _why_none(refused: Mapping[str, str]) -> TargetLoss:
    """Why a user who is known gets nothing."""
    reasons = set(refused.values())
    if TargetLoss.OPTED_OUT in reasons:
        return TargetLoss.OPTED_OUT
    return TargetLoss.CONTACT_GONE if reasons else TargetLoss.NO_CONTACT


def target_of(vault: Vault, kind: ChannelType, contact: str) -> str:
    """The name of a target that is named by its contact. It tells nothing: the type and the contact's HMAC."""
    return keys.join(
        kind.value, vault.mac("target", contact.encode("utf-8", "surrogatepass")).hex()[:16]
    )


def select_contact(
    message: Message, name: str, kind: ChannelType, contact: str, *, opted_out: bool = False
) -> tuple[Target, Contacts]:
    """A target that was named by its contact: it has just that one, on each delivery channel of the type."""
    contacts = {code: (contact,) for code, of in sorted(message.channels.items()) if of is kind}
    if contacts and opted_out:
        return Target(
            name, TargetLoss.OPTED_OUT, {}, dict.fromkeys(contacts, TargetLoss.OPTED_OUT.value)
        ), {}
    return Target(
        name, None if contacts else TargetLoss.NO_CONTACT, dict.fromkeys(contacts, 1)
    ), contacts
