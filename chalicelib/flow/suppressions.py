"""Record on users what is learned of their contacts: dead, alive again, opted out.

Everything is safe to repeat.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial, reduce

from chalicelib.domain import suppressions
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Conflict
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Plan, TargetLoss
from chalicelib.domain.suppressions import SUPPRESSION_LIST, SuppressionList
from chalicelib.domain.users import SUPPRESSED, Suppression, User
from chalicelib.domain.values import frozen
from chalicelib.flow import opt_outs, user_writes
from chalicelib.observability import log
from chalicelib.ports import World

Update = Callable[[User], User]


# -- undeliverable


@frozen
class ContactFeedback:
    """A provider's report on the contact of a delivery: it is dead, or a message arrived there."""

    message: Message
    plan: Plan
    ref: DeliveryRef
    undeliverable: bool
    suppression: Suppression


def is_undeliverable(plan: Plan, ref: DeliveryRef) -> bool:
    """Tell if a contact of the target was known as dead when the message was planned.

    Only then can its suppression be lifted.
    """
    return plan.targets[ref.target].refused.get(ref.channel) == TargetLoss.CONTACT_GONE


def apply_feedback(world: World, feedback: Iterable[ContactFeedback]) -> None:
    """Suppress dead contacts, and lift the suppression of live ones.

    Without feedback nothing is read.
    """
    updates: dict[str, list[Update]] = {}
    for notice in feedback:
        for userid in _owners(world, notice):
            updates.setdefault(userid, []).append(_update(notice))
    if updates:
        change(world, updates)
        log.info("contacts_marked", extra={"users": len(updates)})


def record_life(world: World, kind: ChannelType, contact: str, time: int) -> None:
    """Lift the suppression of a dead contact, from which something has come at this time."""
    revive = partial(suppressions.mark_deliverable, channel_type=kind, contact=contact, time=time)
    updates = {userid: [revive] for userid in world.audiences.users_of(kind, contact)}
    if updates:
        change(world, updates)


def record_visit(world: World, message: Message, plan: Plan, ref: DeliveryRef, time: int) -> None:
    """Lift the suppression of a mailbox whose person opened a mail or a link in it.

    A server may have sent back a mail before. Providers of other channels report what arrives.
    """
    if message.channels.get(ref.channel) is ChannelType.EMAIL and plan.has(ref):
        notice = ContactFeedback(message, plan, ref, False, Suppression("", time))
        updates = {userid: [_update(notice)] for userid in _owners(world, notice)}
        if updates:
            change(world, updates)


def _owners(world: World, notice: ContactFeedback) -> Sequence[str]:
    """Return the user, or every user with the contact where the message named a contact."""
    message, plan, ref = notice.message, notice.plan, notice.ref
    if message.audience.kind is not AudienceKind.CONTACTS:
        return (plan.targets[ref.target].id,)
    return world.audiences.users_of(message.channels[ref.channel], plan.contact(ref))


def _update(notice: ContactFeedback) -> Update:
    kind, contact = notice.message.channels[notice.ref.channel], notice.plan.contact(notice.ref)
    reported = notice.suppression
    if notice.undeliverable:
        return lambda user: suppressions.mark_undeliverable(user, kind, contact, reported)
    return lambda user: suppressions.mark_deliverable(user, kind, contact, reported.time)


def change(world: World, updates: Mapping[str, Sequence[Update]]) -> None:
    """Update users, except those that no longer exist.

    Raises Conflict when other requests were faster each time.
    """

    def attempt(userids: Sequence[str], stored: Mapping[str, User]) -> Collection[str]:
        after = [_apply(user, updates[userid]) for userid, user in stored.items()]
        changed = [user for user in after if user != stored[user.userid]]
        return world.users.save(changed, stored) if changed else ()

    if user_writes.write(world, updates, attempt):
        raise Conflict("the user is being changed by other requests; retry")


def _apply(user: User, updates: Iterable[Update]) -> User:
    return reduce(lambda changed, update: update(changed), updates, user)


# -- opt-outs


def set_opt_out(
    world: World,
    kind: ChannelType,
    contact: str,
    channel_keys: Sequence[str],
    *,
    out: bool,
    time: int,
    code: str,
    template: int = 0,
) -> None:
    """Opt a contact out of access channels, or in again. The later request stands, in any order.

    The opt-out is kept with the contact, for messages that name it. Its users follow that.
    `template`: of the message that offered it, for figures.
    """
    since = min(time, world.clock.now()) if time > 0 else world.clock.now()
    counted = opt_outs.expected(world, channel_keys, [kind], code, template) if out else ()
    world.audiences.set_opt_out(kind, contact, channel_keys, since, out, counted)
    userids = world.audiences.users_of(kind, contact)
    fields = {"channel_type": kind.value, "out": out, "code": code, "users": len(userids)}
    log.info("contact_opted", extra=fields)
    if userids:
        _follow_opt_outs(world, kind, contact, channel_keys, code, userids)


# -- contacts that the deployment sends nothing to


def is_used(world: World) -> bool:
    """Tell if the deployment suppresses contacts, from the cache."""
    return world.records.of(SUPPRESSION_LIST).get("all") is not None


def suppress(world: World, kind: ChannelType, contact: str, *, lift: bool = False) -> None:
    """Suppress a contact for every access channel, or lift its suppression.

    It is kept as an opt-out of its own kind, so it costs a message no reading of its own.
    """
    if not lift and not is_used(world):
        with contextlib.suppress(Conflict):  # another request was faster
            world.records.of(SUPPRESSION_LIST).put(SuppressionList())
    now = world.clock.now()
    set_opt_out(world, kind, contact, [SUPPRESSED], out=not lift, time=now, code=SUPPRESSED)


def suppressed_since(world: World, kind: ChannelType, contact: str) -> int | None:
    """Return the time (ms) since when a contact is suppressed, or None."""
    since = _opt_outs_of(world, kind, contact).get(SUPPRESSED, 0)
    return since if since > 0 else None


def _follow_opt_outs(
    world: World,
    kind: ChannelType,
    contact: str,
    channel_keys: Sequence[str],
    code: str,
    userids: Sequence[str],
) -> None:
    """Set the stored opt-outs of a contact on its users, until they no longer change."""
    stored = _opt_outs_of(world, kind, contact)
    for _ in range(user_writes.ATTEMPTS):
        opt_outs = {key: _suppression(code, stored.get(key, 0)) for key in channel_keys}
        follow = partial(
            suppressions.set_opt_outs, channel_type=kind, contact=contact, changes=opt_outs
        )
        change(world, {userid: [follow] for userid in userids})
        before, stored = stored, _opt_outs_of(world, kind, contact)
        # Another request may have changed the contact meanwhile, and no user that needed a change.
        if stored == before:
            break


def _opt_outs_of(world: World, kind: ChannelType, contact: str) -> Mapping[str, int]:
    return world.audiences.opt_outs({kind: [contact]})[kind].get(contact, {})


def _suppression(code: str, since: int) -> Suppression | None:
    return Suppression(code, since) if since > 0 else None


def apply_earlier_opt_outs(
    world: World, users: Sequence[User], before: Mapping[str, User]
) -> list[User]:
    """Apply earlier opt-outs and opt-ins to contacts that these users have just gained.

    A user may have lost a contact with an opt-out, and get it back. App registrations are skipped:
    nobody can reply from one.
    """
    gained = {user.userid: _gained(user, before.get(user.userid)) for user in users}
    by_kind: dict[ChannelType, dict[str, None]] = {}
    for kind, contact in sorted(set().union(*gained.values())):
        if kind is not ChannelType.APP:
            by_kind.setdefault(kind, {})[contact] = None
    stored = world.audiences.opt_outs(by_kind) if by_kind else {}
    changed: list[User] = []
    for user in users:
        for kind, contact in sorted(gained[user.userid]):
            since = stored.get(kind, {}).get(contact, {})
            opt_outs = {key: _suppression("before", at) for key, at in since.items()}
            user = suppressions.set_opt_outs(user, kind, contact, opt_outs)
        changed.append(user)
    return changed


def _gained(user: User, before: User | None) -> frozenset[tuple[ChannelType, str]]:
    return user.all_contacts - (before.all_contacts if before else frozenset())
