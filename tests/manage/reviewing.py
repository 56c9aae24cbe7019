"""A world with members and reviews, for the tests of reviews."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.errors import (
    Invalid,
    Refusal,
)
from chalicelib.domain.members import MEMBERS, Member, Role
from chalicelib.domain.rules.reviews import (
    RULE,
    Case,
    Origin,
    Settings,
    stored,
)
from chalicelib.domain.stored_requests import Form, StoredRequest, Written
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.schedules import Door
from chalicelib.manage import reviews
from chalicelib.reports import waiting
from tests.builders import SHOP, a_channel, a_reachable_user, a_template, an_access_channel
from tests.fakes.world import FakeWorld

ANN, BOB, CEM, DAN = (
    Member(f"m-{name}", name, role, "hash")
    for name, role in (
        ("ann", Role.OPERATOR),
        ("bob", Role.REVIEWER),
        ("cem", Role.REVIEWER),
        ("dan", Role.OPERATOR),
    )
)
TWO_LEVELS = ((BOB.key, CEM.key), (DAN.key,))
BROADCASTS = Settings(TWO_LEVELS, (Case(Origin.API, (), (AudienceKind.EVERYONE,)),))
ALL = Settings(TWO_LEVELS, (Case(Origin.API), Case(Origin.CONSOLE)), TWO_LEVELS)


def access(settings: Settings = ALL) -> AccessChannel:
    return an_access_channel(rules={RULE: stored(settings)})


def a_world(settings: Settings = ALL) -> FakeWorld:
    fake = FakeWorld()
    fake.settings.put_access_channel(access(settings))
    for code in ("push", "text", "mail"):
        fake.settings.put_channel(a_channel(code))
    fake.settings.put_template(a_template(fake.templates.next_number()))
    fake.users.has(a_reachable_user("ann"))
    for member in (ANN, BOB, CEM, DAN):
        fake.records.of(MEMBERS).put(member)
    return fake


def request(settings: Settings = ALL, member: str = "", **changes: Any) -> SendRequest:
    origin = Origin.CONSOLE if member else Origin.API
    fields: dict[str, Any] = {
        "channel": access(settings),
        "userids": ("ann",),
        "template": 1,
        "template_para": {"name": "you"},
        "app_para": {"platform": "all"},
        "owner": "" if member else "ann",
        "written": Written(Form.SEND, {"template_id": 1}, origin, member),
    }
    return SendRequest(**{**fields, **changes})


DOOR = Door(
    lambda access, stored: replace(request(), channel=access),
    lambda error: (1, type(error).__name__),
    (Refusal, Invalid),
)


def decide(fake: FakeWorld, id: str, member: Member, approved: bool = True) -> StoredRequest:
    return reviews.decide(
        fake.ports, id, None, member, approved=approved, comment="because", door=DOOR
    )


def status(fake: FakeWorld, id: str) -> str:
    return str(waiting.message(fake.ports, SHOP, id)["status"])
