"""Third-party templates and signatures as operators see and change them.

What a provider has to do is ordered (`flow/third_party.py`), and its answer has the id of the
order. Functions raise Invalid for what a platform does not offer.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace

from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, Channel
from chalicelib.domain.errors import Conflict, Invalid, NotFound, Taken
from chalicelib.domain.jobs import Query
from chalicelib.domain.third_party import (
    MAX_REGISTERED,
    REGISTERED,
    Action,
    Draft,
    Family,
    Order,
    Registered,
    Registers,
    Review,
    Sort,
    State,
    ValueKind,
    key_of,
)
from chalicelib.flow import provider_query, third_party
from chalicelib.manage import records
from chalicelib.ports import World


class Account:
    """A delivery channel, with what its platform registers."""

    def __init__(self, world: World, code: str) -> None:
        self.world, self.code = world, code
        self.channel = world.settings.channel(code)
        accesses = world.settings.access_channels()
        self._is_authorised = any(code in access.channels for access in accesses)

    @property
    def registers(self) -> Registers:
        """Raise NotFound without the channel, Invalid if its platform registers nothing."""
        if self.channel is None:
            raise NotFound(DELIVERY_CHANNELS.noun)
        registers = self.world.providers.of(self.channel.platform).capabilities.registers
        if registers is None:
            raise _not_offered("code", self.channel)
        return registers

    @property
    def has_registers(self) -> bool:
        if self.channel is None:
            return False
        return self.world.providers.of(self.channel.platform).capabilities.registers is not None

    def state(self, registered: Registered) -> State:
        return registered.state(self.channel, is_authorised=self._is_authorised)

    def sort_with(self, family: Family, action: Action, wanted: Sort | None = None) -> Sort:
        """Return a sort of a family that allows an action. Raise Invalid without any."""
        for sort in self.registers.actions:
            is_wanted = sort.family is family and wanted in (None, sort)
            if is_wanted and self.registers.may(sort, action):
                return sort
        raise _not_offered("kind" if wanted else "code", self.channel)


def _not_offered(field: str, channel: Channel | None) -> Invalid:
    if channel is None:
        return Invalid(field, "is offered by no platform")
    return Invalid(field, "{platform} does not offer this", platform=channel.platform)


def account(world: World, code: str, family: Family | None = None) -> Account:
    """Return a delivery channel. Raise NotFound if there is neither it nor something of it."""
    found = Account(world, code)
    if found.channel is None and not (family and page(world, family, code, limit=1)):
        raise NotFound(DELIVERY_CHANNELS.noun)
    return found


def page(
    world: World, family: Family, code: str, after: str = "", limit: int = 0
) -> Sequence[Registered]:
    return records.page(world, REGISTERED[family], code, after=after, limit=limit)


def search(
    world: World, family: Family, code: str, text: str, after: str, limit: int
) -> Sequence[Registered]:
    """Return a page of those with a text in their title, their text or their id."""
    if not text:
        return page(world, family, code, after, limit)
    wanted = text.casefold()
    found = [
        each
        for each in page(world, family, code, after)
        if any(wanted in part.casefold() for part in (each.title, each.text, each.id))
    ]
    return found[:limit]


def get(world: World, family: Family, code: str, id: str) -> Registered:
    return records.get(world, REGISTERED[family], key_of(code, id))


def actions(account: Account, family: Family) -> list[str]:
    """Return what operators can do with a family, nothing without its delivery channel."""
    by_sort = account.registers.actions.items() if account.has_registers else ()
    return sorted(
        {action.value for sort, own in by_sort if sort.family is family for action in own}
    )


def kinds(account: Account) -> Mapping[str, ValueKind]:
    """Return the rules of values by the kinds of fields."""
    return account.registers.kinds if account.has_registers else {}


# -- what is asked of a provider: each returns the id of the answer


def refresh(account: Account, family: Family) -> str:
    return ask(account, Order(Action.REFRESH, account.sort_with(family, Action.REFRESH)))


def import_(account: Account, family: Family, id: str) -> str:
    """Import what the account has, by the provider's id."""
    sort = account.sort_with(family, Action.IMPORT)
    check_room(account, family)
    return ask(account, Order(Action.IMPORT, sort, (id,)))


def create(account: Account, draft: Draft) -> str:
    """Create a text or signature. Raise Invalid for a draft that the provider surely refuses."""
    account.sort_with(draft.sort.family, Action.CREATE, draft.sort)
    account.registers.check(draft)
    check_room(account, draft.sort.family)
    return ask(account, Order(Action.CREATE, draft.sort, draft=draft))


def change(account: Account, draft: Draft, id: str, version: int | None) -> str:
    """Change what the provider's review has refused. Raise Invalid for anything else."""
    account.sort_with(draft.sort.family, Action.CHANGE, draft.sort)
    kind = REGISTERED[draft.sort.family]
    stored = records.get_at(account.world, kind, key_of(account.code, id), version)
    if stored.review is not Review.REFUSED:
        reason = "only what the provider's review has refused can be changed, and this is {state}"
        raise Invalid("id", reason, state=stored.review.value)
    account.registers.check(draft)
    return ask(account, Order(Action.CHANGE, draft.sort, (id,), draft))


def delete(account: Account, family: Family, id: str, version: int | None) -> str:
    """Delete here, and at the provider where that is offered.

    Return the id of the provider's answer, empty if it need not be asked. `forget` then deletes.
    """
    kind = REGISTERED[family]
    stored = records.get_at(account.world, kind, key_of(account.code, id), version)
    is_there = account.state(stored) is State.NORMAL
    if is_there and account.registers.may(stored.sort, Action.DELETE):
        return ask(account, Order(Action.DELETE, stored.sort, (id,)))
    records.delete(account.world, kind, stored)
    return ""


def forget(account: Account, family: Family, id: str) -> None:
    """Delete what the provider has deleted, and what is marked so."""
    account.world.records.forget()
    stored = account.world.records.of(REGISTERED[family]).get(key_of(account.code, id))
    if stored is not None and stored.is_invalid:
        records.delete(account.world, REGISTERED[family], stored)


def ask(account: Account, order: Order) -> str:
    channel = account.channel
    if channel is None:
        raise NotFound(DELIVERY_CHANNELS.noun)
    _note(account.world, channel)
    id = secrets.token_hex(16)
    third_party.write(account.world, id, order, channel.type)
    return provider_query.ask(account.world, channel, Query.TEMPLATES, id=id)


def _note(world: World, channel: Channel) -> None:
    """Let messages look for templates of the channel, before the first one is kept."""
    for _ in range(third_party.TRIES):
        if channel.has_templates:
            return
        try:
            records.update(world, DELIVERY_CHANNELS, channel, has_templates=True)
        except Conflict:
            world.records.forget()
            channel = records.get(world, DELIVERY_CHANNELS, channel.code)


def check_room(account: Account, family: Family) -> None:
    kept = page(account.world, family, account.code, limit=MAX_REGISTERED)
    if len(kept) >= MAX_REGISTERED:
        raise Invalid("code", "has {most} of them already", most=MAX_REGISTERED)


# -- what an operator enters, since the provider cannot be asked


def enter(account: Account, id: str, title: str, text: str) -> Registered:
    """Keep a template as an operator has copied it. Again, it is what is kept from now on.

    So it is normal, until a send says otherwise.
    """
    sort = account.sort_with(Family.TEMPLATE, Action.ENTER)
    channel = account.channel
    if channel is None:
        raise NotFound(DELIVERY_CHANNELS.noun)
    _note(account.world, channel)
    kind, fingerprint = REGISTERED[Family.TEMPLATE], channel.credentials_fingerprint
    fields = account.registers.fields(text)
    entered = Registered(
        account.code, id, sort, title, text, fields, entered=True, account=fingerprint
    )
    stored = account.world.records.of(kind).get(key_of(account.code, id))
    if stored is not None:
        after = replace(entered, entered=stored.entered, version=stored.version + 1)
        account.world.records.of(kind).update(stored, after)
        return after
    check_room(account, Family.TEMPLATE)
    try:
        account.world.records.of(kind).put(entered)
    except Conflict:
        raise Taken("id", what="another template") from None
    return entered
