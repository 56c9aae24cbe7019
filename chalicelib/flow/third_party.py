"""Third-party templates and signatures: ask providers about them, and keep what they say.

An order (domain/third_party.py) waits sealed, and its job names it. A delivery function carries the
order out and stores what comes of it. So nothing is lost with the request that asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import Channel, ChannelType, Priority
from chalicelib.domain.errors import (
    Conflict,
    ProviderError,
    Rejected,
    SignatureGone,
    Stale,
    TemplateGone,
)
from chalicelib.domain.jobs import Envelope, QueryJob
from chalicelib.domain.provider_io import Token
from chalicelib.domain.templates import Content
from chalicelib.domain.third_party import (
    LIBRARIES,
    MAX_REGISTERED,
    REGISTERED,
    Action,
    Draft,
    Family,
    Library,
    Order,
    Registered,
    Report,
    Sort,
    State,
    Use,
    key_of,
)
from chalicelib.flow import certificates
from chalicelib.observability import log
from chalicelib.ports import Registry, World

KEPT = 600  # seconds for which an order waits
ROUND = 25  # templates that one job asks for by their ids
GONE = "template_gone"  # the code of a delivery that was not even tried
TRIES = 5  # at a record that others change, too


class Unfinished(Exception):
    """An order goes on in another job."""


# -- in the API


def write(world: World, id: str, order: Order, type: ChannelType) -> None:
    """Store an order, sealed, for the job with an id. Its images are stored first, apart."""
    until = world.clock.now() + KEPT * 1000
    order = certificates.apart(world, type, id, order)
    world.tokens.write(_order_name(id), Token(json.dumps(asdict(order)), until, until))


# -- in a delivery function


def carry_out(world: World, job: QueryJob, channel: Channel, registry: Registry) -> str:
    """Carry an order out, and return the provider's id of what was made, if anything was.

    Raise Unfinished if another job goes on, or has begun what must not be repeated.
    """
    order = _read(world, job.id)
    if order is None or (order.is_once and not _is_first(world, job.id)):
        raise Unfinished
    world.records.forget()
    match order.action:
        case Action.REFRESH:
            _refresh(world, job, channel, registry, order)
        case Action.CREATE | Action.CHANGE if order.draft:
            return _hand_in(world, job, channel, registry, order, order.draft)
        case Action.IMPORT:
            return _import(world, registry, order)
        case Action.DELETE:
            registry.delete(order.sort, order.ids[0])
            mark_gone(world, channel, order.sort.family, order.ids[0])
        case Action.CHOOSE:
            return _choose(world, channel, registry, order)
        case _:
            _learn(world, channel, registry, order)
    return ""


def _read(world: World, id: str) -> Order | None:
    stored = world.tokens.read(_order_name(id))
    if stored is None:
        return None
    raw = json.loads(stored.value)
    sort = {"sort": Sort(raw["draft"]["sort"]), "images": ()} if raw["draft"] else {}
    draft = raw["draft"] and Draft(**{**raw["draft"], **sort})
    known = {"action": Action(raw["action"]), "sort": Sort(raw["sort"]), "draft": draft}
    lists = {name: tuple(raw[name]) for name in ("ids", "keywords")}
    return Order(**{**raw, **known, **lists})


def _is_first(world: World, id: str) -> bool:
    """Tell if no worker has begun the order before: nobody knows what became of its call."""
    return world.tokens.lease(_order_name(keys.join(id, "begun")), KEPT)


def _order_name(id: str) -> str:
    return keys.join("order", id)


def _refresh(
    world: World, job: QueryJob, channel: Channel, registry: Registry, order: Order
) -> None:
    """Compare what is kept with what the provider has now."""
    family = order.sort.family
    kept = world.records.of(REGISTERED[family]).list(channel.code)
    actions = _actions(world, channel, order.sort)
    if Action.IMPORT not in actions:
        _compare(world, channel, kept, registry.all())
        return
    behind = [each for each in kept if not order.after or each.id > order.after]
    behind.sort(key=lambda each: each.id)
    for each in behind[:ROUND]:
        found = registry.read(each.sort, each.id)
        if found is None:
            mark_gone(world, channel, family, each.id)
        else:
            _keep(world, found)
    if len(behind) > ROUND:
        _go_on(world, job, channel, replace(order, after=behind[ROUND - 1].id))


def _go_on(world: World, job: QueryJob, channel: Channel, order: Order) -> None:
    """Send another job for the rest. The provider's limits hold between jobs as within one."""
    write(world, job.id, order, channel.type)
    worker = world.providers.of(channel.platform).capabilities.worker
    rest = Envelope(job, Priority.HIGH, channel.type, channel.code, worker=worker)
    world.queues.send([rest])
    raise Unfinished


def _actions(world: World, channel: Channel, sort: Sort) -> frozenset[Action]:
    registers = world.providers.of(channel.platform).capabilities.registers
    return registers.actions.get(sort, frozenset()) if registers else frozenset()


def _compare(
    world: World, channel: Channel, kept: Sequence[Registered], now: Sequence[Registered]
) -> None:
    """Keep what a provider lists. What it does not list any more is invalid."""
    for found in now[:MAX_REGISTERED]:
        _keep(world, found)
    listed = {found.id for found in now}
    for each in kept:
        if each.id not in listed and not each.entered:
            mark_gone(world, channel, each.sort.family, each.id)


def _hand_in(
    world: World, job: QueryJob, channel: Channel, registry: Registry, order: Order, draft: Draft
) -> str:
    """Create or change what the provider reviews. Return the provider's id of a new one."""
    whole = certificates.together(world, channel.type, job.id, order, draft)
    try:
        if order.action is Action.CREATE:
            return _keep(world, registry.create(whole)).id
        _keep(world, registry.change(order.ids[0], whole))
        return ""
    finally:
        certificates.drop(world, channel.type, job.id, order)


def _import(world: World, registry: Registry, order: Order) -> str:
    found = registry.read(order.sort, order.ids[0])
    if found is None:
        raise TemplateGone("no_such_template")
    return _keep(world, found).id


def _choose(world: World, channel: Channel, registry: Registry, order: Order) -> str:
    """Make a template of the library, and keep it with the fields that the provider gave it.

    If it cannot be listed then, it is made all the same, and a refresh keeps it.
    """
    id = registry.choose(order.ids[0], order.keywords, order.scene)
    with suppress(ProviderError):
        for found in registry.all()[:MAX_REGISTERED]:
            _keep(world, found)
    return id


def _learn(world: World, channel: Channel, registry: Registry, order: Order) -> None:
    """Keep the titles of a provider's library, or the keywords of one of its templates."""
    store, account = world.records.of(LIBRARIES), channel.credentials_fingerprint
    titles = registry.titles() if order.action is Action.SYNC else ()
    keywords = registry.keywords(order.ids[0]) if order.action is Action.KEYWORDS else ()
    for _ in range(TRIES):
        before = store.get(channel.code)
        after = before or Library(channel.code)
        if order.action is Action.SYNC:
            now, version = world.clock.now(), after.version + 1
            after = replace(
                after, titles=tuple(titles), synced=now, account=account, version=version
            )
        else:
            after = after.with_keywords(order.ids[0], keywords)
        try:
            if before is None:
                store.put(replace(after, version=1))
            else:
                store.update(before, after)
            return
        except Conflict:
            world.records.forget()
    raise Stale("others keep changing the library")


def _keep(world: World, found: Registered) -> Registered:
    """Store what a provider has. What is stored alike already costs no write."""
    store = world.records.of(REGISTERED[found.sort.family])
    for _ in range(TRIES):
        stored = store.get(key_of(found.code, found.id))
        try:
            if stored is None:
                store.put(found)
                return found
            if (now := found.seen(stored)) == stored:
                return stored
            after = replace(now, version=stored.version + 1)
            store.update(stored, after)
            return after
        except Conflict:
            world.records.forget()
    raise Stale("others keep changing the template")


# -- wherever a provider says so


def mark_gone(world: World, channel: Channel, family: Family, id: str) -> None:
    """Mark what the provider says it does not have. Nothing is kept of what nobody entered."""
    account = channel.credentials_fingerprint
    _mark(world, channel, family, id, is_invalid=True, account=account)


def take_reviews(world: World, channel: Channel, reports: Sequence[Report]) -> None:
    """Keep what a provider has decided on texts and signatures."""
    for report in reports:
        _mark(world, channel, report.family, report.id, review=report.review, reason=report.reason)


def _mark(world: World, channel: Channel, family: Family, id: str, **changes: object) -> None:
    store = world.records.of(REGISTERED[family])
    for _ in range(TRIES):
        stored = store.get(key_of(channel.code, id))
        if stored is None or replace(stored, **changes) == stored:  # type: ignore[arg-type]
            return
        after = replace(stored, **changes, version=stored.version + 1)  # type: ignore[arg-type]
        try:
            store.update(stored, after)
        except Conflict:
            world.records.forget()
            continue
        log.info("third_party_marked", extra={"channel": channel.code, "family": family.value})
        return


# -- what a content names


def named(world: World, channel: Channel, content: Content) -> Iterator[tuple[Use, Registered]]:
    """Yield what a content names of what is kept and known of a delivery channel."""
    if not channel.has_templates:
        return
    registers = world.providers.of(channel.platform).capabilities.registers
    if registers is None:
        return
    for use in registers.uses(content):
        registered = world.records.of(REGISTERED[use.family]).get(key_of(channel.code, use.id))
        if registered is not None and registered.state(channel) is not State.UNKNOWN:
            yield use, registered


# -- when a job delivers


def refused(world: World, channel: Channel, content: Content) -> Rejected | None:
    """Return why a job need not ask the provider: it has said already that the template is gone."""
    if not channel.has_templates:
        return None
    gone = (
        registered.state(channel) is State.INVALID
        for _, registered in named(world, channel, content)
    )
    return Rejected(GONE) if any(gone) else None


def note(world: World, channel: Channel, content: Content, error: ProviderError) -> None:
    """Mark the template of a call as invalid, if the provider says that the template is gone."""
    if not isinstance(error, TemplateGone) or not channel.has_templates:
        return
    family = Family.SIGNATURE if isinstance(error, SignatureGone) else Family.TEMPLATE
    for use, _ in named(world, channel, content):
        if use.family is family:
            mark_gone(world, channel, use.family, use.id)
