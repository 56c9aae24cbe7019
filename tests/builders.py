"""Builders of domain values, so that a test shows only the fact that it is about.

The three delivery channels that appear by default: `push` (app), `text` (sms), `mail` (email), as in tests/fakes/providers.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import (
    Channel,
    ChannelType,
    OnUncertain,
    Priority,
    ReceiptMode,
)
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Plan, Target, TargetLoss
from chalicelib.domain.strategies import Missing, Operator, Step, Strategy, Term
from chalicelib.domain.templates import Template
from chalicelib.domain.users import ALL, User
from chalicelib.flow.validity import OpenChannel, with_provider
from chalicelib.ports import World
from tests.fakes.clock import START
from tests.fakes.secrets import FakeCredentials

SHOP = "shop"  # the channel key of the usual access channel
SECRET = "s3cret"
PLATFORMS = {ChannelType.APP: "push", ChannelType.SMS: "text", ChannelType.EMAIL: "mail"}
CALL_SIZES = {"push": 1000, "text": 1000, "mail": 25}
WEBHOOK_TOKEN = "webhook-token"


def a_msgid(number: int = 1, at: int = START) -> str:
    return keys.message_id(at, number.to_bytes(4, "big"))


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def a_channel(code: str = "push", type: ChannelType | None = None, **changes: Any) -> Channel:
    """A delivery channel; `push`, `text` and `mail` know their type, others are told."""
    kind = type or {p: t for t, p in PLATFORMS.items()}[code]
    secrets = FakeCredentials()
    fields: dict[str, Any] = {
        "code": code,
        "number": 1 + sorted(CALL_SIZES).index(code) if code in CALL_SIZES else 99,
        "name": f"channel {code}",
        "type": kind,
        "platform": PLATFORMS.get(kind, "push"),
        "sealed_credentials": secrets.seal_credentials({"key": "k"}),
        "sealed_webhook": secrets.seal_webhook({"secret": "webhook-of-k"}),
        "webhook_token_hash": hashed(WEBHOOK_TOKEN),
        "on_uncertain": OnUncertain.UNKNOWN,
        "receipts": ReceiptMode.WEBHOOK,
    }
    return Channel(**{**fields, **changes})


def an_access_channel(
    key: str = SHOP, channels: Sequence[str] = ("push", "text", "mail"), **changes: Any
) -> AccessChannel:
    fields: dict[str, Any] = {
        "name": f"the {key}",
        "secret_hashes": (hashed(SECRET),),
        "channels": dict.fromkeys(channels, True),
    }
    return AccessChannel(key=key, **{**fields, **changes})


def a_user(
    userid: str = "ann",
    *,
    push: Sequence[str] = (),
    text: str = "",
    mail: str = "",
    tags: Sequence[str] = (),
    version: int = 0,
) -> User:
    """`push`: registration ids on the delivery channel `push`; `text` and `mail`: a phone number and an address for all senders."""
    contacts: dict[ChannelType, dict[str, tuple[str, ...]]] = {}
    if push:
        contacts[ChannelType.APP] = {"push": tuple(push)}
    if text:
        contacts[ChannelType.SMS] = {ALL: (text,)}
    if mail:
        contacts[ChannelType.EMAIL] = {ALL: (mail,)}
    return User(userid, contacts, {ALL: tuple(tags)} if tags else {}, version)


def a_reachable_user(userid: str = "ann", version: int = 0) -> User:
    """One contact on each of the three channels, which tell whose they are."""
    return a_user(
        userid,
        push=(f"reg-{userid}",),
        text=f"+86-{userid}",
        mail=f"{userid}@example.com",
        version=version,
    )


def a_strategy(
    *steps: str, missing: str = "delivered", within: int = 60, operator: str = "and"
) -> Strategy:
    """`a_strategy("app", "sms")`: SMS to those whom the app did not reach within a minute. A step may be `app,email`."""
    kinds = [tuple(ChannelType(c) for c in step.split(",")) for step in steps or ("app", "sms")]
    terms = [()] + [
        tuple(Term(c, Missing(missing), within) for c in before) for before in kinds[:-1]
    ]
    return Strategy(
        tuple(Step(c, t, Operator(operator)) for c, t in zip(kinds, terms, strict=True))
    )


def at_once(*channels: str) -> Strategy:
    """What a message without `rule_id` has: one step with all its channels."""
    return Strategy((Step(tuple(ChannelType(c) for c in channels)),))


def a_template(
    number: int = 1,
    channels: Sequence[str] = ("app", "sms", "email"),
    text: str = "Hello {{name}}",
    **changes: Any,
) -> Template:
    contents = {ChannelType(c): {"text": text} for c in channels}
    fields: dict[str, Any] = {
        "version": 1,
        "channel_key": SHOP,
        "name": f"template {number}",
        "contents": contents,
    }
    return Template(number=number, **{**fields, **changes})


def a_message(
    *userids: str,
    number: int = 1,
    strategy: Strategy | None = None,
    text: str = "Hello",
    links: Mapping[str, str] | None = None,
    **changes: Any,
) -> Message:
    """To `ann` over push, unless told otherwise. `number` tells messages apart."""
    strategy = strategy or at_once("app")
    channels = {PLATFORMS[kind]: kind for kind in strategy.channels}
    accepted = changes.get("accepted", START)
    fields: dict[str, Any] = {
        "msgid": a_msgid(number, accepted),
        "channel_key": SHOP,
        "accepted": accepted,
        "priority": Priority.MEDIUM,
        "strategy": strategy,
        "channels": channels,
        "call_sizes": {code: CALL_SIZES[code] for code in channels},
        "contents": {code: {"text": text} for code in channels},
        "links": dict(links or {}),
        "userids": userids or ("ann",),
        "expires": accepted // 1000 + strategy.length + 7 * 86400,
    }
    return Message(**{**fields, **changes})


def a_big_message(count: int = 101, **changes: Any) -> Message:
    """One that is not planned in the request, and whose changes the stream tells."""
    return a_message(*(f"u{n:05d}" for n in range(count)), **changes)


def a_plan(
    message: Message, chunk: int = 0, users: Sequence[User] | None = None, **changes: Any
) -> Plan:
    """What would be planned for the message if these users were all that is known; by default everybody has every contact."""
    known = {
        u.userid: u
        for u in (users if users is not None else [a_reachable_user(u) for u in message.userids])
    }
    chosen = [_chosen(message, known.get(userid)) for userid in message.userids]
    targets = [
        Target(
            userid,
            _loss(userid in known, bool(contacts)),
            {code: len(c) for code, c in contacts.items()},
        )
        for userid, contacts in zip(message.userids, chosen, strict=True)
    ]
    fields: dict[str, Any] = {
        "targets": tuple(targets),
        "contacts": tuple(chosen),
        "time": message.accepted,
        "next": None,
    }
    return Plan(id=ChunkId(message.msgid, chunk), **{**fields, **changes})


def _chosen(message: Message, user: User | None) -> dict[str, tuple[str, ...]]:
    if user is None:
        return {}
    found = {
        code: tuple(user.contacts_on((code, kind), message.channel_key))
        for code, kind in sorted(message.channels.items())
    }
    return {code: contacts for code, contacts in found.items() if contacts}


def _loss(is_known: bool, has_contacts: bool) -> TargetLoss | None:
    if not is_known:
        return TargetLoss.UNKNOWN_USER
    return None if has_contacts else TargetLoss.NO_CONTACT


def opened(world: World, *channels: Channel) -> list[OpenChannel]:
    """Delivery channels as they are while they can be used."""
    return [with_provider(world, channel) for channel in channels]


def text_of(value: Any) -> str:
    """Everything that a value says, to search marked contacts in."""
    return json.dumps(value, default=repr, ensure_ascii=False)
