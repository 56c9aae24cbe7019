"""A third-party template that is gone loses nobody, wherever the functions are ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import TemplateGone
from chalicelib.domain.facts import FactKind
from chalicelib.domain.provider_io import Answer, OutgoingCall
from chalicelib.domain.third_party import REGISTERED, Family, Registered, Registers, Sort
from tests.builders import a_template
from tests.flow.registries import TEXTS, uses
from tests.simulation.world import Simulation

TEMPLATES = REGISTERED[Family.TEMPLATE]


def gone(call: OutgoingCall) -> Answer:
    raise TemplateGone("50013")


def a_simulation() -> Simulation:
    """Return people whose second step is a text that the provider has deleted."""
    simulation = Simulation()
    world = simulation.world
    world.providers.text.can(registers=Registers(actions={Sort.TEXT: TEXTS}, uses=uses))
    world.providers.text.instead = gone
    channel = world.settings.channel("text")
    assert channel is not None
    world.settings.update_channel(channel, replace(channel, has_templates=True, version=2))
    account = channel.credentials_fingerprint
    world.records.of(TEMPLATES).put(Registered("text", "7", Sort.TEXT, "t", account=account))
    template = a_template()
    contents = {**template.contents, ChannelType.SMS: {"text": "{{name}}", "id": "7"}}
    world.settings.put_template(replace(template, version=2, contents=contents))
    world.forget_steps()
    return simulation


def test_everybody_goes_on_to_the_next_step_and_the_template_is_invalid() -> None:
    simulation = a_simulation()
    simulation.submit()
    simulation.run()
    simulation.check()
    (stored,) = simulation.world.records.of(TEMPLATES).list("text")
    assert stored.is_invalid
    assert simulation.contacts("text", FactKind.SUBMIT_FAILED) >= {"1002", "1004"}
    assert {"bob@example.com", "dan@example.com"} <= set(simulation.world.providers.mail.sent())


@pytest.mark.parametrize("part", range(4))
def test_a_worker_ended_at_any_step_loses_nobody(part: int) -> None:
    whole = a_simulation()
    whole.submit()
    whole.run()
    for number in whole.world.kills[part::4]:
        simulation = a_simulation()
        simulation.world.kill_at(number)
        simulation.submit()
        simulation.run()
        if simulation.msgid is not None:
            simulation.check()
            assert not simulation.world.providers.text.taken
