"""Who gets the demo's message, and what must become of it: computed from the mix of contacts alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from infra.demo.client import Shop
from infra.demo.platforms import DIGITS


@dataclass(frozen=True)
class Group:
    """So many people of one kind. Contacts are named by what happens to them; none: they have no such contact."""

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

REACHED_BY_APP = {"deliver", "click", "double", "flaky", "throttle", "timeout"}
NO_SMS_RECEIPT = {"reject", "undelivered", "silent"}


@dataclass(frozen=True)
class Person:
    userid: str
    group: Group
    app: tuple[str, ...]
    sms: str
    email: str


def people(mark: str) -> Iterator[Person]:
    number = 0
    for group in MIX:
        for _ in range(group.people):
            number += 1
            userid = f"{mark}_{number}"
            app = tuple(f"{mark}{number}x{n}-{word}" for n, word in enumerate(group.app))
            # Fifteen digits, the most that a number may have: the next run's are others, and the sandbox keeps its log.
            sms = (
                f"1{int(mark, 16) % 1_000_000:06d}{number:04d}{DIGITS[group.sms]}"
                if group.sms
                else ""
            )
            yield Person(
                userid,
                group,
                app,
                sms,
                f"{mark}.{number}-{group.email}@example.com" if group.email else "",
            )


def uploads(shop: Shop, everybody: Sequence[Person]) -> list[dict[str, Any]]:
    return [
        shop.user(p.userid, app=p.app, sms=p.sms, email=p.email) for p in everybody if p.group.known
    ]


def expected() -> dict[str, Any]:
    """What the answer about the message must say, and nothing of it is asked of the system."""
    users: Counter[str] = Counter()
    steps: Counter[str] = Counter()
    channels: dict[str, Counter[str]] = {"app": Counter(), "sms": Counter(), "email": Counter()}
    losses: dict[str, Counter[str]] = {
        "users": Counter(),
        "app": Counter(),
        "sms": Counter(),
        "email": Counter(),
    }
    for group in MIX:
        fate = _fate(group)
        for stage in fate.users:
            users[stage] += group.people
        for step in range(fate.steps):
            steps[str(step + 1)] += group.people
        if fate.loss:
            losses["users"][fate.loss] += group.people
        for kind, stages in fate.channels:
            channels[kind].update(dict.fromkeys(stages, group.people))
        for kind, loss in fate.losses:
            losses[kind][loss] += group.people
    return {"users": users, "steps": steps, "channels": channels, "losses": losses}


@dataclass
class _Fate:
    """What happens to each person of a group."""

    users: list[str]
    loss: str
    steps: int  # of the strategy that are decided for them, with or without a contact there
    channels: list[tuple[str, list[str]]]
    losses: list[tuple[str, str]]


def _fate(group: Group) -> _Fate:
    if not group.known or not (group.app or group.sms or group.email):
        return _Fate(["planned"], "no_contact" if group.known else "unknown_user", 0, [], [])
    tries, steps = [("app", word) for word in group.app], 1
    if not REACHED_BY_APP & set(group.app):
        steps = 2 if group.sms == "click" else 3
        tries += [("sms", group.sms)] if group.sms else []
        if group.sms != "click":
            tries += [("email", group.email)] if group.email else []
    stages = [(kind, _stages(kind, word)) for kind, word in tries]
    reached = {stage for _, found in stages for stage in found} - {"planned", "valid"}
    return _Fate(
        ["planned", "valid", *sorted(reached)],
        "",
        steps,
        stages,
        [lost for kind, word in tries if (lost := _loss(kind, word))],
    )


def _stages(kind: str, word: str) -> list[str]:
    """How far a delivery comes on a channel, as the provider is documented to behave."""
    if (
        word == "reject" and kind != "app"
    ):  # JPush takes the call, and says nothing of a single registration id
        return ["planned"]
    if kind == "email":
        return [
            "planned",
            "valid",
            "submitted",
            "delivered",
            *(["clicked"] if word == "click" else []),
        ]
    reports = word in REACHED_BY_APP if kind == "app" else word not in NO_SMS_RECEIPT
    stages = ["planned", "valid", "submitted", *(["delivered"] if reports else [])]
    return [*stages, "clicked"] if word == "click" else stages


def _loss(kind: str, word: str) -> tuple[str, str] | None:
    if word == "reject" and kind != "app":
        return kind, "invalid_target"
    return (kind, "delivery_failed") if word == "undelivered" and kind != "email" else None


def expected_sends(everybody: Sequence[Person]) -> dict[str, dict[str, int]]:
    """How often each provider must have sent to each contact: once, whatever went wrong on the way."""
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
