"""Facts about the candidates of a chunk that the selection needs, besides the users themselves."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain import audiences, channel_options, elements
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import TargetLoss
from chalicelib.domain.users import SUPPRESSED
from chalicelib.domain.values import frozen
from chalicelib.flow import suppressions
from chalicelib.flow.candidates import Candidate
from chalicelib.flow.select import Despite, Lists, NamedContact, loss_by
from chalicelib.ports import World


@frozen
class ChunkContext:
    """Facts about a chunk's candidates and channels, besides what the users hold themselves."""

    lists: Lists
    despite: Despite
    unwanted: Unwanted
    authorised: frozenset[str]  # delivery channels that make a user the access channel's own
    named: frozenset[str]
    of_segment: frozenset[str]  # members of the segment, of an audience that has tags too

    def named_contact(self, name: str, contact: str) -> NamedContact:
        """Return what is known of a target that is named by its contact."""
        loss = loss_by(self.lists, name)
        if loss is None and contact in self.unwanted.suppressed:
            loss = TargetLoss.SUPPRESSED
        is_out = contact in self.unwanted.opted_out
        return NamedContact(loss, is_out, self.despite)


def read(world: World, message: Message, candidates: Sequence[Candidate]) -> ChunkContext:
    despite = _despite(world, message)
    return ChunkContext(
        _lists(world, message, candidates),
        despite,
        _unwanted(world, message, candidates, despite),
        _authorised(world, message),
        frozenset(message.userids),
        _of_segment(world, message, candidates),
    )


def with_opt_outs(world: World, candidates: list[Candidate]) -> list[Candidate]:
    """Apply opt-outs to users of earlier releases whom opt-outs of another spelling do not find."""
    older = [c.user for c in candidates if c.user is not None and c.user.respelt]
    if not older:
        return candidates
    users = {user.userid: user for user in suppressions.apply_earlier_opt_outs(world, older, {})}
    return [c._replace(user=users.get(c.id, c.user)) for c in candidates]


def _lists(world: World, message: Message, candidates: Sequence[Candidate]) -> Lists:
    """Return the candidates that are on the message's black- or whitelist.

    A list has a set of users, and a set of contacts for messages that name contacts.
    """
    names = [candidate.id for candidate in candidates]
    black, white = message.black_id, message.white_id
    of_contacts = message.audience.kind is AudienceKind.CONTACTS
    set_of = audiences.listing_of_contacts if of_contacts else audiences.listing
    return Lists(
        world.audiences.holds(set_of(black), names) if black else frozenset(),
        world.audiences.holds(set_of(white), names) if white else None,
    )


@frozen
class Unwanted:
    """Named contacts that must not get a message: opted out of its access channel, suppressed."""

    opted_out: frozenset[str] = frozenset()
    suppressed: frozenset[str] = frozenset()


def _unwanted(
    world: World, message: Message, candidates: Sequence[Candidate], despite: Despite
) -> Unwanted:
    """Return the named contacts that opted out or are suppressed, by one reading.

    Users carry both themselves. Opt-outs that all channels of a type disregard are not read, unless
    the deployment suppresses contacts.
    """
    if message.audience.kind is not AudienceKind.CONTACTS:
        return Unwanted()
    named: dict[ChannelType, list[str]] = {}
    for candidate in candidates:
        named.setdefault(candidate.channel_type, []).append(candidate.contact)
    heedless = [
        kind
        for kind in named
        if all(code in despite.opt_out for code, of in message.channels.items() if of is kind)
    ]
    if heedless and not suppressions.is_used(world):
        named = {kind: contacts for kind, contacts in named.items() if kind not in heedless}
    out: dict[str, set[str]] = {message.channel_key: set(), SUPPRESSED: set()}
    for by_contact in world.audiences.opt_outs(named).values() if named else ():
        for contact, since_by_key in by_contact.items():
            for key, contacts in out.items():
                if since_by_key.get(key, 0) > 0:
                    contacts.add(contact)
    return Unwanted(frozenset(out[message.channel_key]), frozenset(out[SUPPRESSED]))


def _despite(world: World, message: Message) -> Despite:
    """Return the delivery channels that try dead contacts, and those that heed no opt-out.

    A channel that heeds no opt-out sends mails of priority 1 without a link to unsubscribe. Their
    readers have asked for them, as for a code or an order.
    """
    gone: list[str] = []
    opt_out: list[str] = []
    for code in message.channels:
        channel = world.settings.channel(elements.channel_of(code))
        if channel is None:
            continue
        options = channel_options.of(channel.options)
        if options.send_to_gone:
            gone.append(code)
        if channel.type is ChannelType.EMAIL and not options.heeds_opt_outs(message.priority):
            opt_out.append(code)
    return Despite(frozenset(gone), frozenset(opt_out))


def _authorised(world: World, message: Message) -> frozenset[str]:
    """Return all authorised delivery channels, not only those that this message uses.

    The users of an access channel do not change from message to message.
    """
    access = world.settings.access_channel(message.channel_key) if message.restricted else None
    return frozenset(message.channels).union(access.channels if access else ())


def _of_segment(world: World, message: Message, candidates: Sequence[Candidate]) -> frozenset[str]:
    segments = message.audience.segments if message.audience.tags else ()
    userids = [candidate.id for candidate in candidates]
    members = [world.audiences.holds(name, userids) for name in segments]
    return frozenset().union(*members)
