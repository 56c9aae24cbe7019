"""A stage that no longer serves a channel type has no queue for jobs that were to come there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import FactKind
from tests.builders import a_strategy
from tests.simulation.singles import Singles

STRATEGY = a_strategy("app", "sms", "email", within=60)
MAILS = {"bob@example.com", "cem@example.com"}  # of people whom the push does not reach


def without(kind: ChannelType) -> Singles:
    """Send to people of whom one is reached by push, while a later step's type is given up."""
    simulation = Singles(strategy=STRATEGY, people=("ann", "bob", "cem"))
    simulation.submit()
    world = simulation.world
    served = tuple(one for one in world.limits.channel_types if one is not kind)
    world.limits = replace(world.limits, channel_types=served)
    world.queues.served = served
    simulation.run()
    return simulation


@pytest.mark.parametrize(
    ("kind", "code", "contacts"),
    [
        (ChannelType.SMS, "text", {"1002", "1003-silent"}),
        (ChannelType.EMAIL, "mail", {"cem@example.com"}),
    ],
)
def test_a_later_step_on_a_type_that_was_given_up_expires(
    kind: ChannelType, code: str, contacts: set[str]
) -> None:
    simulation = without(kind)
    assert simulation.contacts(code, FactKind.EXPIRED) == contacts
    assert not simulation.contacts(code, FactKind.SUBMITTED)


def test_people_go_on_behind_a_step_whose_type_was_given_up() -> None:
    assert without(ChannelType.SMS).contacts("mail", FactKind.SUBMITTED) == MAILS
