"""Users and what is known of them: contacts in the scopes that they are bound to, and tags."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, NamedTuple

from chalicelib.domain.delivery_channels import Channel, ChannelType

ALL = "all"
MAX_EVENTS, RECENT_EVENTS = (
    200,
    50,
)  # names of events that a user has; ids by which a repeat is known

Scoped = Mapping[str, tuple[str, ...]]  # bind_id (`all`, a channel key or a channel code) -> values
Labelled = Mapping[
    str, Mapping[str, str]
]  # code of a delivery channel -> id of a contact label -> contact


class Suppression(NamedTuple):
    """Why sending to a contact should stop, and since when (ms)."""

    code: str
    time: int


@dataclass(frozen=True)
class User:
    """A person the enterprise knows. `version` guards against lost updates; 0 is a user that is not stored yet."""

    userid: str
    contacts: Mapping[ChannelType, Scoped] = field(default_factory=dict, repr=False)
    tags: Scoped = field(default_factory=dict)
    version: int = 0
    labels: Mapping[ChannelType, Labelled] = field(default_factory=dict, repr=False)
    undeliverable: Mapping[ChannelType, Mapping[str, Suppression]] = field(
        default_factory=dict, repr=False
    )  # contact -> reported as dead
    opt_outs: Mapping[ChannelType, Mapping[str, Mapping[str, Suppression]]] = field(
        default_factory=dict, repr=False
    )
    """Contact -> channel key or `all` -> opted out."""
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    events: Mapping[str, tuple[int, int]] = field(
        default_factory=dict
    )  # name -> how often, and when last (ms)
    recent: tuple[str, ...] = ()  # ids of the last events

    def contacts_on(
        self,
        channel: Channel | tuple[str, ChannelType],
        channel_key: str,
        labels: Sequence[str] = (),
    ) -> tuple[str, ...]:
        """The contacts that a message of this access channel uses on this delivery channel.

        First the contact of the first of `labels` that has one. Else app, WeChat and Alipay ids bound by the channel's code; the others
        by the channel key before `all`.
        """
        code, kind = (channel.code, channel.type) if isinstance(channel, Channel) else channel
        labelled = self.labels.get(kind, {}).get(code, {})
        found = next((labelled[label] for label in labels if label in labelled), None)
        if found is not None:
            return (found,)
        scoped = self.contacts.get(kind, {})
        if kind.bound_by_code:
            return scoped.get(code, ())
        return scoped.get(channel_key) or scoped.get(ALL, ())

    def suppression(self, kind: ChannelType, contact: str, channel_key: str) -> str:
        """Why this access channel should not send to a contact: `opted_out`, `contact_gone`, or empty."""
        refused = self.opt_outs.get(kind, {}).get(contact, {})
        if channel_key in refused or ALL in refused:
            return "opted_out"
        return "contact_gone" if contact in self.undeliverable.get(kind, {}) else ""

    def is_bound_to(self, channel_key: str, codes: Collection[str]) -> bool:
        """Whether something of this user belongs to the access channel itself, not to all."""
        scopes = {
            bind
            for scoped in (*self.contacts.values(), self.tags)
            for bind, values in scoped.items()
            if values
        }
        labelled = {code for by_code in self.labels.values() for code in by_code}
        return channel_key in scopes or not set(codes).isdisjoint(scopes | labelled)

    @property
    def all_contacts(self) -> frozenset[tuple[ChannelType, str]]:
        """Every contact of every scope and label."""
        bound = {
            (kind, value)
            for kind, scoped in self.contacts.items()
            for values in scoped.values()
            for value in values
        }
        labelled = {
            (kind, value)
            for kind, by_code in self.labels.items()
            for of in by_code.values()
            for value in of.values()
        }
        return frozenset(bound | labelled)

    @property
    def all_tags(self) -> frozenset[tuple[str, str]]:
        """(scope, tag)."""
        return frozenset((bind, tag) for bind, tags in self.tags.items() for tag in tags)


@dataclass(frozen=True)
class Bindings:
    """What one of `set`, `add`, `del` asks for."""

    contacts: Mapping[ChannelType, Scoped] = field(default_factory=dict, repr=False)
    tags: Scoped = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """Something that a user did. `id` tells a repeat from a second time, where it is given."""

    name: str
    time: int  # ms
    id: str = ""


@dataclass(frozen=True)
class UserChange:
    """`set` replaces what a scope holds, `add` joins, `remove` takes away; in this order."""

    userid: str
    set: Bindings = Bindings()
    add: Bindings = Bindings()
    remove: Bindings = Bindings()
    labels: Mapping[ChannelType, Labelled] = field(
        default_factory=dict, repr=False
    )  # an empty contact takes the label's away
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)  # None takes one away
    events: tuple[Event, ...] = ()

    def scopes(self) -> frozenset[str]:
        """Every bind_id that this touches."""
        changes = (self.set, self.add, self.remove)
        scoped = [s for c in changes for s in (*c.contacts.values(), c.tags)]
        return frozenset(bind for s in scoped for bind in s)


def apply(user: User, change: UserChange) -> User:
    kinds = {
        *user.contacts,
        *(k for c in (change.set, change.add, change.remove) for k in c.contacts),
    }
    contacts = {
        kind: _merge(
            user.contacts.get(kind, {}),
            *(c.contacts.get(kind, {}) for c in (change.set, change.add, change.remove)),
        )
        for kind in sorted(kinds)
    }
    tags = _merge(user.tags, change.set.tags, change.add.tags, change.remove.tags)
    undeliverable = {
        kind: {
            c: suppression
            for c, suppression in suppressions.items()
            if c not in _named(change, kind)
        }
        for kind, suppressions in user.undeliverable.items()
    }
    labels = {
        kind: _labelled(user.labels.get(kind, {}), change.labels.get(kind, {}))
        for kind in sorted({*user.labels, *change.labels})
    }
    attributes = {
        name: value
        for name, value in {**user.attributes, **change.attributes}.items()
        if value is not None
    }
    changed = replace(
        user,
        contacts={k: s for k, s in contacts.items() if s},
        tags=tags,
        undeliverable={k: m for k, m in undeliverable.items() if m},
        labels={k: by_code for k, by_code in labels.items() if by_code},
        attributes=attributes,
    )
    return reduce(_happened, change.events, changed)


def _labelled(old: Labelled, new: Labelled) -> Labelled:
    merged = {code: {**old.get(code, {}), **new.get(code, {})} for code in sorted({*old, *new})}
    kept = {
        code: {label: contact for label, contact in of.items() if contact}
        for code, of in merged.items()
    }
    return {code: of for code, of in kept.items() if of}


def _happened(user: User, event: Event) -> User:
    if event.id and event.id in user.recent:
        return user
    often, last = user.events.get(event.name, (0, 0))
    recent = (*user.recent, event.id)[-RECENT_EVENTS:] if event.id else user.recent
    return replace(
        user, events={**user.events, event.name: (often + 1, max(last, event.time))}, recent=recent
    )


def _named(change: UserChange, kind: ChannelType) -> frozenset[str]:
    """The contacts that a change brings: who names a contact again says that it lives."""
    brought = (change.set.contacts.get(kind, {}), change.add.contacts.get(kind, {}))
    labelled = (contact for of in change.labels.get(kind, {}).values() for contact in of.values())
    return frozenset(
        [
            *(value for scoped in brought for values in scoped.values() for value in values),
            *labelled,
        ]
    )


def _merge(old: Scoped, new: Scoped, more: Scoped, less: Scoped) -> Scoped:
    merged = {**old, **new}
    for bind, values in more.items():
        merged[bind] = tuple(dict.fromkeys((*merged.get(bind, ()), *values)))
    for bind, values in less.items():
        merged[bind] = tuple(v for v in merged.get(bind, ()) if v not in values)
    return {bind: values for bind, values in sorted(merged.items()) if values}
