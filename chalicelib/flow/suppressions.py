"""What is learned of contacts stands with their users: reported as dead, alive again, opted out. Everything is safe to repeat."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import NamedTuple

from chalicelib.domain import suppressions
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Conflict
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Plan, TargetLoss
from chalicelib.domain.users import Suppression, User
from chalicelib.ports import World

log = logging.getLogger("openums")

ATTEMPTS = 6

Update = Callable[[User], User]


class ContactFeedback(NamedTuple):
    """What a provider let us know of the contact of a delivery."""

    message: Message
    plan: Plan
    ref: DeliveryRef
    undeliverable: bool  # else something arrived there
    suppression: Suppression


def is_undeliverable(plan: Plan, ref: DeliveryRef) -> bool:
    """Whether a contact of the target was known as dead when the message was planned: only then can its mark be taken away."""
    return plan.targets[ref.target].refused.get(ref.channel) == TargetLoss.CONTACT_GONE


def apply_feedback(world: World, heard: Iterable[ContactFeedback]) -> None:
    """Mark contacts that are dead, and take the mark from those that live. Without any, nothing is read."""
    updates: dict[str, list[Update]] = {}
    for each in heard:
        for userid in _owners(world, each):
            updates.setdefault(userid, []).append(_update(each))
    if updates:
        change(world, updates)
        log.info("contacts_marked", extra={"users": len(updates)})


def _owners(world: World, heard: ContactFeedback) -> Sequence[str]:
    """The user; where the message named a contact, whoever has it."""
    if heard.message.audience.kind is not AudienceKind.CONTACTS:
        return (heard.plan.targets[heard.ref.target].id,)
    return world.audiences.users_of(
        heard.message.channels[heard.ref.channel], heard.plan.contact(heard.ref)
    )


def _update(heard: ContactFeedback) -> Update:
    kind, contact = heard.message.channels[heard.ref.channel], heard.plan.contact(heard.ref)
    if heard.undeliverable:
        return lambda user: suppressions.mark_undeliverable(user, kind, contact, heard.suppression)
    return lambda user: suppressions.mark_deliverable(user, kind, contact, heard.suppression.time)


def change(world: World, updates: Mapping[str, Sequence[Update]]) -> None:
    """Users that are there no more are left out. Raises Conflict when others were faster each time."""
    waiting = dict(updates)
    for _ in range(ATTEMPTS):
        found = world.users.get(list(waiting))
        after = [
            reduce(lambda user, update: update(user), waiting[userid], before)
            for userid, before in found.items()
        ]
        changed = [user for user in after if user != found[user.userid]]
        losers = world.users.save(changed, found) if changed else frozenset()
        if not losers:
            return
        waiting = {userid: each for userid, each in waiting.items() if userid in losers}
    raise Conflict("users are changed by others all the time")


def set_opt_out(
    world: World,
    kind: ChannelType,
    contact: str,
    channel_keys: Sequence[str],
    *,
    out: bool,
    time: int,
    code: str,
) -> None:
    """A contact opts out of access channels, or in again. Of two words the later one stands, in whatever order they come.

    What was said is kept with the contact, for messages that name it; its users follow that.
    """
    said_at = min(time, world.clock.now()) if time > 0 else world.clock.now()
    one, spellings = suppressions.canonical(kind, contact), suppressions.spellings(kind, contact)
    world.audiences.set_opt_out(kind, one, channel_keys, said_at, out)
    userids = sorted(
        {userid for each in spellings for userid in world.audiences.users_of(kind, each)}
    )
    log.info(
        "contact_opted",
        extra={"channel_type": kind.value, "out": out, "code": code, "users": len(userids)},
    )
    stands = world.audiences.opt_outs({kind: [one]})[kind] if userids else {}
    for _ in range(ATTEMPTS if userids else 0):
        said = {
            key: Suppression(code, since)
            if (since := stands.get(one, {}).get(key, 0)) > 0
            else None
            for key in channel_keys
        }
        change(world, {userid: [_follow(kind, spellings, said)] for userid in userids})
        before, stands = stands, world.audiences.opt_outs({kind: [one]})[kind]
        if (
            stands == before
        ):  # else somebody said another word while we wrote, and may have found nothing to change
            break


def _follow(
    kind: ChannelType, spellings: Sequence[str], said: Mapping[str, Suppression | None]
) -> Update:
    return lambda user: reduce(
        lambda changed, each: suppressions.set_opt_outs(changed, kind, each, said), spellings, user
    )


def carry(world: World, users: Sequence[User], before: Mapping[str, User]) -> list[User]:
    """The same users, with what was said earlier of contacts that they have only now. App registrations say nothing: they can't reply."""
    gained = {
        user.userid: user.all_contacts - before.get(user.userid, User(user.userid)).all_contacts
        for user in users
    }
    wanted: dict[ChannelType, dict[str, None]] = {}
    for kind, contact in sorted(
        pair for pairs in gained.values() for pair in pairs if pair[0] is not ChannelType.APP
    ):
        wanted.setdefault(kind, {})[suppressions.canonical(kind, contact)] = None
    stands = world.audiences.opt_outs(wanted) if wanted else {}

    def carried(user: User, pair: tuple[ChannelType, str]) -> User:
        kind, contact = pair
        by_key = stands.get(kind, {}).get(suppressions.canonical(kind, contact), {})
        return suppressions.set_opt_outs(
            user,
            kind,
            contact,
            {key: Suppression("before", since) for key, since in by_key.items() if since > 0},
        )

    return [reduce(carried, sorted(gained[user.userid]), user) for user in users]
