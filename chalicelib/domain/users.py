"""Users and what is known of them: contacts in the scopes that they are bound to, and tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from chalicelib.domain.channels import Channel, ChannelType

ALL = "all"

Scoped = Mapping[str, tuple[str, ...]]  # bind_id (`all`, a channel key or a channel code) -> values


@dataclass(frozen=True)
class User:
    """A person the enterprise knows. `version` guards against lost updates; 0 is a user that is not stored yet."""

    userid: str
    contacts: Mapping[ChannelType, Scoped] = field(default_factory=dict, repr=False)
    tags: Scoped = field(default_factory=dict)
    version: int = 0

    def contacts_on(self, channel: Channel | tuple[str, ChannelType], channel_key: str) -> tuple[str, ...]:
        """The contacts that a message of this access channel uses on this delivery channel.

        App, WeChat and Alipay ids are bound by the channel's code; the others by the channel key before `all`.
        """
        code, kind = (channel.code, channel.type) if isinstance(channel, Channel) else channel
        scoped = self.contacts.get(kind, {})
        if kind.bound_by_code:
            return scoped.get(code, ())
        return scoped.get(channel_key) or scoped.get(ALL, ())


@dataclass(frozen=True)
class Change:
    """What one of `set`, `add`, `del` asks for."""

    contacts: Mapping[ChannelType, Scoped] = field(default_factory=dict, repr=False)
    tags: Scoped = field(default_factory=dict)


@dataclass(frozen=True)
class UserChange:
    """`set` replaces what a scope holds, `add` joins, `remove` takes away; in this order."""

    userid: str
    set: Change = Change()
    add: Change = Change()
    remove: Change = Change()

    def scopes(self) -> frozenset[str]:
        """Every bind_id that this touches."""
        changes = (self.set, self.add, self.remove)
        scoped = [s for c in changes for s in (*c.contacts.values(), c.tags)]
        return frozenset(bind for s in scoped for bind in s)


def apply(user: User, change: UserChange) -> User:
    kinds = {*user.contacts, *(k for c in (change.set, change.add, change.remove) for k in c.contacts)}
    contacts = {
        kind: _merge(user.contacts.get(kind, {}), *(c.contacts.get(kind, {}) for c in (change.set, change.add, change.remove)))
        for kind in sorted(kinds)
    }
    tags = _merge(user.tags, change.set.tags, change.add.tags, change.remove.tags)
    return replace(user, contacts={k: s for k, s in contacts.items() if s}, tags=tags)


def _merge(old: Scoped, new: Scoped, more: Scoped, less: Scoped) -> Scoped:
    merged = {**old, **new}
    for bind, values in more.items():
        merged[bind] = tuple(dict.fromkeys((*merged.get(bind, ()), *values)))
    for bind, values in less.items():
        merged[bind] = tuple(v for v in merged.get(bind, ()) if v not in values)
    return {bind: values for bind, values in sorted(merged.items()) if values}
