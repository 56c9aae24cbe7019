"""The people who get the demo's message, and the figures that their contacts must give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.demo.client import Shop
from infra.demo.platforms import DIGITS


@dataclass(frozen=True)
class Group:
    """People of one kind. A contact has the name of its behaviour, and is empty if they lack it."""

    people: int
    app: tuple[str, ...] = ()
    sms: str = ""
    email: str = ""
    known: bool = True


MIX = (
    Group(600, ("deliver",), "deliver", "deliver"),
    Group(40, ("click",), "deliver", "deliver"),
    Group(20, ("double",), "deliver", "deliver"),
    Group(10, ("flaky",), "deliver", "deliver"),
    Group(5, ("throttle",), "deliver", "deliver"),
    Group(5, ("timeout",), "deliver", "deliver"),
    Group(30, ("deliver", "silent"), "deliver", "deliver"),
    Group(60, ("silent",), "deliver", "deliver"),
    Group(40, ("silent",), "click", "deliver"),
    Group(30, ("undelivered",), "silent", "click"),
    Group(20, ("reject",), "reject", "deliver"),
    Group(20, ("silent",), "undelivered", "deliver"),
    Group(10, ("silent",), "flaky", "deliver"),
    Group(10, ("silent",), "double", "deliver"),
    Group(10, ("silent",), "throttle", "click"),
    Group(30, (), "click", "deliver"),
    Group(20, (), "", "deliver"),
    Group(10, (), "deliver", "reject"),
    Group(10, (), "", "flaky"),
    Group(10),  # people whom nothing reaches
    Group(10, known=False),  # ids that nobody has uploaded
)

KINDS = ("app", "sms", "email")
REACHED_BY_APP = {"deliver", "click", "double", "flaky", "throttle", "timeout"}
NO_SMS_RECEIPT = {"reject", "undelivered", "silent"}


@dataclass(frozen=True)
class Person:
    userid: str
    group: Group
    app: tuple[str, ...]
    sms: str
    email: str

    @property
    def contacts(self) -> tuple[str, ...]:
        return tuple(c for c in (*self.app, self.sms, self.email) if c)


def people(mark: str) -> Iterator[Person]:
    """Yield the people of the mix, with contacts that no other run has. `mark`: 8 hex digits."""
    number = 0
    for group in MIX:
        for _ in range(group.people):
            number += 1
            yield Person(
                f"{mark}_{number}",
                group,
                tuple(f"{mark}{number}x{n}-{behaviour}" for n, behaviour in enumerate(group.app)),
                _phone(mark, number, group.sms) if group.sms else "",
                f"{mark}.{number}-{group.email}@example.com" if group.email else "",
            )


def _phone(mark: str, number: int, behaviour: str) -> str:
    """Build a number of fifteen digits, the most that a number may have.

    The sandbox keeps its log, so each run has numbers of its own.
    """
    return f"1{int(mark, 16) % 1_000_000:06d}{number:04d}{DIGITS[behaviour]}"


def uploads(shop: Shop, everybody: Sequence[Person]) -> list[dict[str, Any]]:
    return [
        shop.user(p.userid, app=p.app, sms=p.sms, email=p.email) for p in everybody if p.group.known
    ]


def expected() -> dict[str, Any]:
    """Compute what the answer about the message must say. Nothing is asked of the system."""
    users: Counter[str] = Counter()
    steps: Counter[str] = Counter()
    channels: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    losses: dict[str, Counter[str]] = {kind: Counter() for kind in ("users", *KINDS)}
    for group in MIX:
        fate = _fate(group)
        users.update(dict.fromkeys(fate.users, group.people))
        steps.update({str(step + 1): group.people for step in range(fate.steps)})
        if fate.loss:
            losses["users"][fate.loss] += group.people
        for kind, stages in fate.channels:
            channels[kind].update(dict.fromkeys(stages, group.people))
        for kind, loss in fate.losses:
            losses[kind][loss] += group.people
    return {"users": users, "steps": steps, "channels": channels, "losses": losses}


@dataclass
class _Fate:
    """The fate of each person of a group. `steps`: those that the person enters."""

    users: list[str]
    loss: str = ""
    steps: int = 0
    channels: list[tuple[str, list[str]]] = field(default_factory=list)
    losses: list[tuple[str, str]] = field(default_factory=list)


def _fate(group: Group) -> _Fate:
    if not group.known:
        return _Fate(["planned"], "unknown_user")
    if not (group.app or group.sms or group.email):
        return _Fate(["planned"], "no_contact")
    tries, steps = [("app", behaviour) for behaviour in group.app], 1
    if not REACHED_BY_APP & set(group.app):
        steps = 2 if group.sms == "click" else 3
        tries += [("sms", group.sms)] if group.sms else []
        if group.sms != "click":
            tries += [("email", group.email)] if group.email else []
    stages = [(kind, _stages(kind, behaviour)) for kind, behaviour in tries]
    reached = set().union(*(names for _, names in stages)) - {"planned", "valid"}
    losses = [loss for kind, behaviour in tries if (loss := _loss(kind, behaviour))]
    return _Fate(["planned", "valid", *sorted(reached)], "", steps, stages, losses)


def _stages(kind: str, behaviour: str) -> list[str]:
    """List how far a delivery comes on a channel, as the provider is documented to behave."""
    # JPush takes the whole call and does not report a single refused registration id.
    if behaviour == "reject" and kind != "app":
        return ["planned"]
    stages = ["planned", "valid", "submitted"]
    if _reports(kind, behaviour):
        stages.append("delivered")
    if behaviour == "click":
        stages.append("clicked")
    return stages


def _reports(kind: str, behaviour: str) -> bool:
    if kind == "email":
        return True
    return behaviour in REACHED_BY_APP if kind == "app" else behaviour not in NO_SMS_RECEIPT


def _loss(kind: str, behaviour: str) -> tuple[str, str] | None:
    if behaviour == "reject" and kind != "app":
        return kind, "invalid_target"
    return (kind, "delivery_failed") if behaviour == "undelivered" and kind != "email" else None


def expected_sends(everybody: Sequence[Person]) -> dict[str, dict[str, int]]:
    """Count how often each provider must send to each contact: once, also after failures."""
    sends: dict[str, dict[str, int]] = {"jpush": {}, "jsms": {}, "smtp": {}}
    for person in everybody:
        for provider, contact in _tried(person):
            if not _is_refused(contact):
                sends[provider][contact] = 1
    return sends


def _tried(person: Person) -> Iterator[tuple[str, str]]:
    group = person.group
    for contact in person.app:
        yield "jpush", contact
    if REACHED_BY_APP & set(group.app):
        return
    if person.sms:
        yield "jsms", person.sms
    if person.email and group.sms != "click":
        yield "smtp", person.email


def _is_refused(contact: str) -> bool:
    return contact.endswith(DIGITS["reject"]) or contact.split("@")[0].endswith("-reject")
