"""Users: their contacts in the scopes that these are bound to, tags, attributes and events."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import partial, reduce
from itertools import accumulate, pairwise
from typing import Any, NamedTuple, TypeVar

from chalicelib.domain import contacts as spelling
from chalicelib.domain.delivery_channels import Channel, ChannelType
from chalicelib.domain.traces import Event
from chalicelib.domain.values import frozen

ALL = "all"
SUPPRESSED = "suppressed"  # in place of a channel key: the deployment sends nothing there
MAX_EVENTS = 200  # names of events of a user
RECENT_EVENTS = 50  # ids of a user's last events, by which a repeat is recognised

Scoped = Mapping[str, tuple[str, ...]]  # bind_id (`all`, a channel key or a channel code) -> values
# code of a delivery channel -> id of a contact label -> contact
Labelled = Mapping[str, Mapping[str, str]]


# Carriers in China give a number to somebody else after 90 days, and people come back to
# a corporation or follow an account again. Not every provider tells of that.
MARK_LIFE = 180 * 86_400_000  # ms for which a contact counts as dead


class Suppression(NamedTuple):
    """A reason to stop sending to a contact, and since when (ms)."""

    code: str
    time: int

    def has_lapsed(self, now: int) -> bool:
        """Tell if a dead contact is tried again. Opt-outs never lapse."""
        return now - self.time > MARK_LIFE


@frozen
class User:
    """A person the enterprise knows.

    `version` guards against lost updates. A user with version 0 is not stored yet.
    """

    userid: str
    contacts: Mapping[ChannelType, Scoped] = field(default_factory=dict, repr=False)
    tags: Scoped = field(default_factory=dict)
    version: int = 0
    labels: Mapping[ChannelType, Labelled] = field(default_factory=dict, repr=False)
    # contact -> reported as dead
    undeliverable: Mapping[ChannelType, Mapping[str, Suppression]] = field(
        default_factory=dict, repr=False
    )
    # contact -> channel key or `all` -> opted out
    opt_outs: Mapping[ChannelType, Mapping[str, Mapping[str, Suppression]]] = field(
        default_factory=dict, repr=False
    )
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    # name -> how often, and when last (ms)
    events: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    recent: tuple[str, ...] = ()  # ids of the last events
    # stored by a release that named contacts by their spelling, and not by their identity
    is_older: bool = False
    preferences: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by channel key
    claimed: tuple[str, ...] = ()  # restricted access channels that bound the user themselves

    def contacts_on(
        self,
        channel: Channel | tuple[str, ChannelType],
        channel_key: str,
        labels: Sequence[str] = (),
        *,
        restricted: bool = False,
    ) -> tuple[str, ...]:
        """Return the contacts that a message of an access channel uses on a delivery channel.

        The first of `labels` that has a contact decides. Otherwise, app, WeChat and Alipay ids are
        bound by the channel's code. All others are bound by the channel key, or else by `all`. What
        is bound to `all` is not for a restricted access channel that bound the user itself.
        """
        code, channel_type = (
            (channel.code, channel.type) if isinstance(channel, Channel) else channel
        )
        labelled = self.labels.get(channel_type, {}).get(code, {})
        for label in labels:
            if label in labelled:
                return (labelled[label],)
        scoped = self.contacts.get(channel_type, {})
        if channel_type.bound_by_code:
            return scoped.get(code, ())
        shared = () if restricted and channel_key in self.claimed else scoped.get(ALL, ())
        return scoped.get(channel_key) or shared

    def suppression(
        self,
        channel_type: ChannelType,
        contact: str,
        channel_key: str,
        now: int = 0,
        *,
        despite_opt_out: bool = False,
    ) -> str:
        """Return the reason why an access channel must not send to a contact.

        The reason is `suppressed`, `opted_out`, `contact_gone`, or empty. `now` (ms): old marks
        have lapsed.
        """
        opt_outs = _of_contact(channel_type, self.opt_outs.get(channel_type, {}), contact)
        out_of = {key for by_key in opt_outs for key in by_key}
        if SUPPRESSED in out_of:
            return SUPPRESSED
        is_out = channel_key in out_of or ALL in out_of
        if is_out and not despite_opt_out:
            return "opted_out"
        dead = _of_contact(channel_type, self.undeliverable.get(channel_type, {}), contact)
        return "contact_gone" if any(not mark.has_lapsed(now) for mark in dead) else ""

    def is_bound_to(self, channel_key: str, codes: Collection[str]) -> bool:
        """Return whether any binding belongs to the access channel itself, not to all."""
        scopes: set[str] = set()
        for scoped in (*self.contacts.values(), self.tags):
            scopes.update(bind for bind, values in scoped.items() if values)
        labelled = {code for by_code in self.labels.values() for code in by_code}
        return channel_key in scopes or not (scopes | labelled).isdisjoint(codes)

    def spellings(self, channel_type: ChannelType, contact: str) -> tuple[str, ...]:
        """Return the spellings in which the user has a contact, in any scope or label."""
        return tuple(
            sorted(
                spelt
                for kind, spelt in self.all_contacts
                if kind is channel_type and spelling.same(kind, spelt, contact)
            )
        )

    @property
    def respelt(self) -> tuple[tuple[ChannelType, str], ...]:
        """Contacts whose rows in sets have another name by now. Users of this release have none."""
        return tuple(
            (kind, spelt)
            for kind, spelt in (self.all_contacts if self.is_older else ())
            if spelt != spelling.identity(kind, spelt)
        )

    @property
    def all_contacts(self) -> frozenset[tuple[ChannelType, str]]:
        """The contacts of every scope and label, with their channel types."""
        return frozenset(self._all_contacts())

    def _all_contacts(self) -> Iterator[tuple[ChannelType, str]]:
        for channel_type, scoped in self.contacts.items():
            for contacts in scoped.values():
                yield from ((channel_type, contact) for contact in contacts)
        for channel_type, by_code in self.labels.items():
            for by_label in by_code.values():
                yield from ((channel_type, contact) for contact in by_label.values())

    @property
    def all_tags(self) -> frozenset[tuple[str, str]]:
        """The tags of every scope as (scope, tag)."""
        return frozenset((bind, tag) for bind, tags in self.tags.items() for tag in tags)


_Of = TypeVar("_Of")


def _of_contact(
    channel_type: ChannelType, by_contact: Mapping[str, _Of], contact: str
) -> Iterator[_Of]:
    """Yield what is known of a contact, in whatever spelling it is kept."""
    return (
        value for spelt, value in by_contact.items() if spelling.same(channel_type, spelt, contact)
    )


@frozen
class Bindings:
    """The contacts and tags that `set`, `add` or `del` is about."""

    contacts: Mapping[ChannelType, Scoped] = field(default_factory=dict, repr=False)
    tags: Scoped = field(default_factory=dict)


@frozen
class UserChange:
    """A change of a user's bindings and other data.

    `set` replaces the values of a scope. Then `add` joins values and `remove` takes values away.
    """

    userid: str
    set: Bindings = Bindings()
    add: Bindings = Bindings()
    remove: Bindings = Bindings()
    # an empty contact removes the label's contact
    labels: Mapping[ChannelType, Labelled] = field(default_factory=dict, repr=False)
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)  # None removes one
    events: tuple[Event, ...] = ()

    def scopes(self) -> frozenset[str]:
        """Return every bind_id that the change touches."""
        return self.binds() | _scopes(self.remove)

    def binds(self) -> frozenset[str]:
        """Return every bind_id in which the change sets or adds something."""
        labelled = (code for by_code in self.labels.values() for code in by_code)
        return _scopes(self.set) | _scopes(self.add) | frozenset(labelled)


def _scopes(bindings: Bindings) -> frozenset[str]:
    scoped = (*bindings.contacts.values(), bindings.tags)
    return frozenset(bind for by_scope in scoped for bind in by_scope)


def apply(user: User, change: UserChange) -> User:
    tags = _merge(user.tags, change.set.tags, change.add.tags, change.remove.tags)
    attributes = {**user.attributes, **change.attributes}
    changed = replace(
        user,
        contacts=_contacts(user, change),
        tags=tags,
        undeliverable=_undeliverable(user, change),
        labels=_labels(user, change),
        attributes={name: value for name, value in attributes.items() if value is not None},
    )
    return reduce(_with_event, change.events, changed)


def _contacts(user: User, change: UserChange) -> dict[ChannelType, Scoped]:
    steps = (change.set.contacts, change.add.contacts, change.remove.contacts)
    contacts: dict[ChannelType, Scoped] = {}
    for channel_type in sorted({*user.contacts, *steps[0], *steps[1], *steps[2]}):
        new, more, less = (step.get(channel_type, {}) for step in steps)
        identity = partial(spelling.identity, channel_type)
        old = user.contacts.get(channel_type, {})
        contacts[channel_type] = _merge(old, new, more, less, identity)
    return {channel_type: scoped for channel_type, scoped in contacts.items() if scoped}


def _undeliverable(user: User, change: UserChange) -> dict[ChannelType, Mapping[str, Suppression]]:
    """Return the dead contacts that remain. A change that names a contact says that it lives."""
    remaining: dict[ChannelType, Mapping[str, Suppression]] = {}
    for channel_type, dead in user.undeliverable.items():
        named = {spelling.identity(channel_type, text) for text in _named(change, channel_type)}
        kept = {
            contact: reason
            for contact, reason in dead.items()
            if spelling.identity(channel_type, contact) not in named
        }
        if kept:
            remaining[channel_type] = kept
    return remaining


def _labels(user: User, change: UserChange) -> dict[ChannelType, Labelled]:
    labels = {
        channel_type: _merge_labels(
            user.labels.get(channel_type, {}), change.labels.get(channel_type, {})
        )
        for channel_type in sorted({*user.labels, *change.labels})
    }
    return {channel_type: by_code for channel_type, by_code in labels.items() if by_code}


def _merge_labels(old: Labelled, new: Labelled) -> Labelled:
    merged: dict[str, Mapping[str, str]] = {}
    for code in sorted({*old, *new}):
        contacts = {**old.get(code, {}), **new.get(code, {})}
        kept = {label: contact for label, contact in contacts.items() if contact}
        if kept:
            merged[code] = kept
    return merged


def _with_event(user: User, event: Event) -> User:
    if event.id and event.id in user.recent:
        return user
    count, last = user.events.get(event.name, (0, 0))
    events = {**user.events, event.name: (count + 1, max(last, event.time))}
    recent = (*user.recent, event.id)[-RECENT_EVENTS:] if event.id else user.recent
    return replace(user, events=events, recent=recent)


def counted(user: User, events: Sequence[Event]) -> list[Event]:
    """Return the events that a user does not know yet."""
    states = pairwise(accumulate(events, _with_event, initial=user))
    return [event for event, (old, new) in zip(events, states, strict=True) if new is not old]


def _named(change: UserChange, channel_type: ChannelType) -> frozenset[str]:
    """Return the contacts that a change sets or adds."""
    named: set[str] = set()
    for bindings in (change.set, change.add):
        for contacts in bindings.contacts.get(channel_type, {}).values():
            named.update(contacts)
    for by_label in change.labels.get(channel_type, {}).values():
        named.update(by_label.values())
    return frozenset(named)


def _merge(
    old: Scoped, new: Scoped, more: Scoped, less: Scoped, identity: Callable[[str], str] = str
) -> Scoped:
    """Merge values by scope. Values of one identity are one, and the latest spelling stands."""
    merged = {**old, **{bind: _distinct(values, identity) for bind, values in new.items()}}
    for bind, values in more.items():
        merged[bind] = _distinct((*merged.get(bind, ()), *values), identity)
    for bind, values in less.items():
        leaving = set(map(identity, values))
        merged[bind] = tuple(v for v in merged.get(bind, ()) if identity(v) not in leaving)
    return {bind: values for bind, values in sorted(merged.items()) if values}


def _distinct(values: Iterable[str], identity: Callable[[str], str]) -> tuple[str, ...]:
    return tuple({identity(value): value for value in values}.values())
