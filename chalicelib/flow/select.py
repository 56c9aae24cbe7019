"""3. Select the contacts that a target gets on each delivery channel, or the reason for none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from chalicelib.domain import contacts as spelling
from chalicelib.domain import elements, keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Target, TargetLoss
from chalicelib.domain.users import User
from chalicelib.domain.values import frozen
from chalicelib.ports import Vault

Contacts = Mapping[str, tuple[str, ...]]

NOWHERE = ""  # in place of a delivery channel's code


class Selection(NamedTuple):
    """A selected target with its contacts by code. `user` is None for a target without one."""

    target: Target
    contacts: Contacts
    user: User | None = None
    values: Mapping[str, str] = {}  # attribute -> text, for the contents that take it

    @property
    def sendable(self) -> Contacts:
        """The contacts of a target that is not lost. Those of a lost one stand NOWHERE."""
        return self.contacts if self.target.loss is None else {}


def leave_out(selection: Selection, reasons: Mapping[str, str]) -> Selection:
    """Return a selection without its contacts on some delivery channels, by code, with reasons.

    A target that has no other contacts is lost for the last reason by name.
    """
    target = selection.target
    if target.loss is not None or not reasons:
        return selection
    contacts = {code: of for code, of in selection.contacts.items() if code not in reasons}
    changed = target._replace(
        loss=None if contacts else TargetLoss(max(reasons.values())),
        contacts={code: len(of) for code, of in contacts.items()},
        refused={**target.refused, **dict(sorted(reasons.items()))},
    )
    return selection._replace(target=changed, contacts=contacts)


class Lists(NamedTuple):
    """The targets of a chunk that are on the message's lists. `white` None: there is none."""

    black: Collection[str] = ()
    white: Collection[str] | None = None


class Despite(NamedTuple):
    """The delivery channels, by code, that send to contacts that are dead or have opted out."""

    gone: Collection[str] = ()
    opt_out: Collection[str] = ()


def select(
    message: Message,
    userid: str,
    user: User | None,
    lists: Lists = Lists(),  # noqa: B008 immutable
    despite: Despite = Despite(),  # noqa: B008 immutable
) -> tuple[Target, Contacts]:
    """Return a target, and its contacts by code of the delivery channel.

    Suppressed contacts are left out, except on the channels of `despite`.
    """
    loss = _loss(userid, user, lists)
    if user is None or loss is not None:
        return Target(userid, loss, {}), {}
    contacts: dict[str, tuple[str, ...]] = {}
    refused: dict[str, str] = {}
    for code, kind in sorted(message.channels.items()):
        usable, reasons = _usable(message, user, code, kind, despite)
        if usable:
            contacts[code] = usable
        if reasons:
            refused[code] = reasons[0]
    numbers = {code: len(of_channel) for code, of_channel in contacts.items()}
    return Target(userid, None if contacts else _why_none(refused), numbers, refused), contacts


def _loss(userid: str, user: User | None, lists: Lists) -> TargetLoss | None:
    return TargetLoss.UNKNOWN_USER if user is None else loss_by(lists, userid)


def loss_by(lists: Lists, name: str) -> TargetLoss | None:
    """Return the loss of a target by the message's list."""
    if name in lists.black:
        return TargetLoss.BLACKLISTED
    if lists.white is not None and name not in lists.white:
        return TargetLoss.NOT_WHITELISTED
    return None


def _usable(
    message: Message, user: User, code: str, kind: ChannelType, despite: Despite
) -> tuple[tuple[str, ...], list[str]]:
    """Return the contacts to send to, and the reasons of the suppressed ones."""
    labels = message.labels.get(code, ())
    usable: list[str] = []
    reasons: list[str] = []
    channel, restricted = (elements.channel_of(code), kind), message.restricted
    bound = user.contacts_on(channel, message.channel_key, labels, restricted=restricted)
    for contact in spelling.distinct(kind, bound):
        key, now, heedless = message.channel_key, message.accepted, code in despite.opt_out
        reason = user.suppression(kind, contact, key, now, despite_opt_out=heedless)
        if reason:
            reasons.append(reason)
        if not reason or (code in despite.gone and reason == TargetLoss.CONTACT_GONE):
            usable.append(contact)
    return tuple(usable), reasons


def _why_none(refused: Mapping[str, str]) -> TargetLoss:
    """Return the reason why a known user gets nothing."""
    reasons = set(refused.values())
    if TargetLoss.SUPPRESSED in reasons:
        return TargetLoss.SUPPRESSED
    if TargetLoss.OPTED_OUT in reasons:
        return TargetLoss.OPTED_OUT
    return TargetLoss.CONTACT_GONE if reasons else TargetLoss.NO_CONTACT


def target_of(vault: Vault, kind: ChannelType, contact: str) -> str:
    """Return the name of a target that is named by its contact.

    It holds the type and the HMAC of the contact's identity, and so tells nothing of the contact.
    """
    identity = spelling.identity(kind, contact)
    digest = vault.mac("target", identity.encode("utf-8", "surrogatepass")).hex()
    return keys.join(kind.value, digest[:16])


@frozen
class NamedContact:
    """A target that was named by its contact: why it is lost, and whether it opted out."""

    loss: TargetLoss | None
    opted_out: bool
    despite: Despite


def select_contact(
    message: Message, name: str, kind: ChannelType, contact: str, known: NamedContact
) -> tuple[Target, Contacts]:
    """Return a target that was named by its contact: one contact on each channel of the type."""
    codes = [code for code, of in sorted(message.channels.items()) if of is kind]
    # Callbacks name a lost target by its contact, which belongs to no delivery.
    lost = {NOWHERE: (spelling.spelt(kind, contact),)} if message.callbacks else {}
    if known.loss is not None or not codes:
        return Target(name, known.loss or TargetLoss.NO_CONTACT, {}), lost
    heeding = [code for code in codes if known.opted_out and code not in known.despite.opt_out]
    refused, usable = dict.fromkeys(heeding, TargetLoss.OPTED_OUT.value), {*codes} - {*heeding}
    if not usable:
        return Target(name, TargetLoss.OPTED_OUT, {}, refused), lost
    contacts = dict.fromkeys(sorted(usable), (spelling.spelt(kind, contact),))
    return Target(name, None, dict.fromkeys(contacts, 1), refused), contacts


def fitting(
    selected: Sequence[tuple[Target, Contacts] | None], limit: int, extra: Sequence[int] = ()
) -> int:
    """Return how many selections fit into one item, at least one. `extra`: more bytes of each."""
    total = 0
    for n, selection in enumerate(selected):
        total += 40 + (extra[n] if extra else 0)
        if selection is not None:
            target, contacts = selection
            total += len(target.id.encode())
            for of_channel in contacts.values():
                total += sum(len(contact.encode()) + 8 for contact in of_channel)
        if n and total > limit:
            return n
    return len(selected)
