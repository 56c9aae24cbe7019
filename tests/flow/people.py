"""Users whose contacts become suppressed, and messages to them."""

from __future__ import annotations

from chalicelib.domain.audiences import Audience, AudienceKind
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Plan
from chalicelib.domain.users import Suppression, User
from chalicelib.flow import audience
from chalicelib.flow.candidates import Known
from chalicelib.ports import Lookup
from tests.builders import (
    SHOP,
    a_channel,
    a_message,
    a_user,
    an_access_channel,
    at_once,
)
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld

SMS, EMAIL = ChannelType.SMS, ChannelType.EMAIL
PHONE = "13900001111"
DEAD = Suppression("4004", START)


def a_world() -> FakeWorld:
    """Build a world with three users, of whom two have the same phone."""
    fake = FakeWorld()
    fake.settings.put_channel(a_channel("text"))
    fake.settings.put_access_channel(an_access_channel(SHOP, ("text",)))
    fake.settings.put_access_channel(an_access_channel("bank", ("text", "mail")))
    fake.settings.put_access_channel(an_access_channel("other", ("mail",)))
    fake.users.has(
        a_user("ann", text=PHONE),
        a_user("ben", text="+8613900001111"),
        a_user("cem", text="13900002222"),
    )
    return fake


def user(fake: FakeWorld, userid: str = "ann") -> User:
    return fake.users.stored[userid]


def planned(fake: FakeWorld, *userids: str, number: int = 1) -> tuple[Message, Plan]:
    """Plan a message from the users as they are, with a lookup `mt-1-0` … for each target."""
    message = a_message(*userids, number=number, strategy=at_once("sms"))
    fake.messages.has(message)
    plan = fake.ledger.put_plan(audience.make_plan(fake.ports, message, 0, ""), message)
    fake.lookups.has(
        "text", {f"mt-{number}-{n}": Lookup(plan.id, (n, 0)) for n in range(len(userids))}
    )
    return message, plan


def named(
    fake: FakeWorld, *phones: str, number: int = 9, channel_key: str = SHOP
) -> tuple[Message, Plan]:
    """Plan a message that names contacts instead of users."""
    names = tuple(f"sms#{n:016x}" for n in range(len(phones)))
    message = a_message(
        *names,
        number=number,
        strategy=at_once("sms"),
        audience=Audience(AudienceKind.CONTACTS),
        channel_key=channel_key,
    )
    return message, audience.make_plan(fake.ports, message, 0, "", Known(phones))
