"""Make the records of callbacks from events: what UMS tells a sender of a target or a delivery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from chalicelib.domain import callbacks
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.callbacks import CallbackType, Events
from chalicelib.domain.facts import Fact
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Plan
from chalicelib.domain.rules.callbacks import TO
from chalicelib.ports import World

Record = Mapping[str, Any]


def records(
    world: World, events: Iterable[Events], states: Sequence[int]
) -> Iterator[tuple[str, Record]]:
    """Yield the address that each record is for, and the record.

    Events of a message whose history has expired have no records any more.
    """
    events = list(events)
    messages = world.messages.get_all(list(dict.fromkeys(one.chunk.msgid for one in events)))
    for one in events:
        message = messages.get(one.chunk.msgid)
        plan = world.ledger.plan(one.chunk, message) if message else None
        if message is None or plan is None or TO not in message.callback:
            continue
        for record in _of_events(message, plan, one):
            if record["type"] in states:
                yield message.callback[TO], record


def _of_events(message: Message, plan: Plan, events: Events) -> Iterator[Record]:
    for position in range(*events.targets):
        yield _of_target(message, plan, position)
    for fact in events.facts:
        if fact.kind in callbacks.OF_FACTS and plan.has(fact.ref):
            yield _of_fact(message, plan, fact)


def _of_target(message: Message, plan: Plan, position: int) -> Record:
    loss = plan.targets[position].loss
    kind = CallbackType.TARGET_INVALID if loss else CallbackType.TARGET_VALID
    contact = ""
    if message.audience.kind is AudienceKind.CONTACTS:
        of_target = plan.contacts[position]
        contact = next((texts[0] for texts in of_target.values() if texts), "")
    return {
        **_head(message, plan, position, kind),
        **({"sender_id": contact} if contact else {}),
        "sender": callbacks.UMS,
        "sent_time": plan.time // 1000,
        **_error(kind, loss.value if loss else ""),
        **_params(message),
    }


def _of_fact(message: Message, plan: Plan, fact: Fact) -> Record:
    kind, channel_type = callbacks.OF_FACTS[fact.kind], message.channels[fact.ref.channel]
    corporation = callbacks.CORPORATIONS.get(channel_type)
    return {
        **_head(message, plan, fact.ref.target, kind),
        "sender_id": plan.contact(fact.ref),
        "sender": callbacks.SENDERS[channel_type],
        **({} if corporation is None else {"wechatwk_sender": corporation}),
        "sent_time": fact.time // 1000,
        **_error(kind, f"{fact.kind.value}:{fact.code}" if fact.code else fact.kind.value),
        **_params(message),
    }


def _head(message: Message, plan: Plan, position: int, kind: CallbackType) -> Record:
    by_contact = message.audience.kind is AudienceKind.CONTACTS
    return {
        "type": kind.value,
        "channelkey": message.channel_key,
        "msgid": message.msgid,
        "userid": "" if by_contact else plan.targets[position].id,
    }


def _error(kind: CallbackType, reason: str) -> Record:
    code = callbacks.ERRORS.get(kind)
    return {} if code is None else {"error": {"code": code, "message": reason}}


def _params(message: Message) -> Record:
    params = message.callback.get("params")
    return {"params": params} if params else {}
