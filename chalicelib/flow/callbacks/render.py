"""Make the records of callbacks from events: what a sender learns of a target or a delivery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.callbacks import OF_FACTS, CallbackType, Events, Record
from chalicelib.domain.facts import Fact
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Plan
from chalicelib.domain.rules.callbacks import TO
from chalicelib.ports import World


def records(
    world: World, events: Iterable[Events], states: Sequence[int]
) -> Iterator[tuple[str, Record]]:
    """Yield the address that each record is for, and the record.

    Events of a message whose history has expired have no records any more.
    """
    events = list(events)
    msgids = list(dict.fromkeys(one.chunk.msgid for one in events))
    messages, _ = world.recordings.read(msgids, ())
    for one in events:
        message = messages.get(one.chunk.msgid)
        plan = world.ledger.plan(one.chunk, message) if message else None
        if message is None or plan is None or TO not in message.callback:
            continue
        for record in _of_events(message, plan, one):
            if record.type in states:
                yield message.callback[TO], record


def _of_events(message: Message, plan: Plan, events: Events) -> Iterator[Record]:
    for position in range(*events.targets):
        yield _of_target(message, plan, position)
    for fact in events.facts:
        if fact.kind in OF_FACTS and plan.has(fact.ref):
            yield _of_fact(message, plan, fact)


def _of_target(message: Message, plan: Plan, position: int) -> Record:
    loss = plan.targets[position].loss
    userid, contact = _names(message, plan, position)
    return Record(
        type=CallbackType.TARGET_INVALID if loss else CallbackType.TARGET_VALID,
        channel_key=message.channel_key,
        msgid=message.msgid,
        userid=userid,
        contact=contact,
        channel_type=None,
        time=plan.time,
        reason=loss.value if loss else "",
        params=message.callback.get("params", {}),
    )


def _names(message: Message, plan: Plan, position: int) -> tuple[str, str]:
    """Return the user id of a target, or the contact that the message names instead."""
    if message.audience.kind is not AudienceKind.CONTACTS:
        return plan.targets[position].id, ""
    of_target = plan.contacts[position].values()
    return "", next((contacts[0] for contacts in of_target if contacts), "")


def _of_fact(message: Message, plan: Plan, fact: Fact) -> Record:
    return Record(
        type=OF_FACTS[fact.kind],
        channel_key=message.channel_key,
        msgid=message.msgid,
        userid=_names(message, plan, fact.ref.target)[0],
        contact=plan.contact(fact.ref),
        channel_type=message.channels[fact.ref.channel],
        time=fact.time,
        reason=f"{fact.kind.value}:{fact.code}" if fact.code else fact.kind.value,
        params=message.callback.get("params", {}),
    )
