"""Messages against the third-party templates that they name, accepted and delivered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid, Rejected, TemplateGone, ThirdPartyInvalid
from chalicelib.domain.third_party import (
    REGISTERED,
    Family,
    Field,
    Registered,
    Registers,
    Sort,
    ValueKind,
)
from chalicelib.flow import submit, third_party
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.rules import third_party as rule
from chalicelib.manage import access_channels, templates
from tests.builders import SHOP, a_channel, a_strategy, an_access_channel
from tests.flow.registries import TEXTS, uses
from tests.simulation.world import Simulation

KINDS = {"number": ValueKind(5, "a number", str.isdigit)}
TEXT = {"text": "x", "id": "7", "para": {"code": "{{code}}"}}
TEMPLATES = REGISTERED[Family.TEMPLATE]


def a_simulation(**changes: Any) -> Simulation:
    """Return people with an SMS channel of which the text 7 is kept, then e-mail."""
    simulation = Simulation(strategy=a_strategy("sms", "email", within=60))
    world = simulation.world
    world.templates.next_number()  # that of the usual template
    world.providers.text.can(
        registers=Registers(actions={Sort.TEXT: TEXTS}, uses=uses, kinds=KINDS)
    )
    channel = world.settings.channel("text")
    assert channel is not None
    world.settings.update_channel(channel, replace(channel, has_templates=True, version=2))
    fields = {"fields": (Field("code", "", "number"),), "text": "Code {{code}}", **changes}
    account = channel.credentials_fingerprint
    world.records.of(TEMPLATES).put(
        Registered("text", "7", Sort.TEXT, "Code", account=account, **fields)
    )
    world.forget_steps()
    return simulation


def ordinary(code: Any = "123", id: str = "7") -> SendRequest:
    content = {**TEXT, "id": id, "para": {"code": code} if code is not ... else {}}
    return SendRequest(
        channel=an_access_channel(), userids=("ann",), contents={ChannelType.SMS: (content,)}
    )


def by_template(simulation: Simulation, code: str) -> SendRequest:
    contents = {ChannelType.SMS: TEXT, ChannelType.EMAIL: {"text": "{{code}}"}}
    template = templates.add(simulation.world.ports, SHOP, "code", contents, None)
    return SendRequest(
        channel=an_access_channel(),
        userids=("ann",),
        template=template.number,
        template_para={"code": code},
        rule_id=1,
    )


def refused(simulation: Simulation, request: SendRequest) -> tuple[str, str]:
    with pytest.raises(Invalid) as error:
        submit.submit(simulation.world.ports, request)
    assert not simulation.world.messages.stored
    return error.value.field, error.value.reason


def test_a_message_that_fits_is_accepted() -> None:
    simulation = a_simulation()
    submit.submit(simulation.world.ports, ordinary())
    submit.submit(simulation.world.ports, by_template(simulation, "321"))
    assert len(simulation.world.messages.stored) == 2


@pytest.mark.parametrize("code", ["abc", "123456", ...])
def test_a_value_that_its_kind_does_not_allow_is_refused_with_the_field(code: Any) -> None:
    field, _ = refused(a_simulation(), ordinary(code))
    assert field == "msg_sms.para.code"


def test_a_value_of_a_template_is_refused_with_the_field_of_the_content() -> None:
    simulation = a_simulation()
    field, reason = refused(simulation, by_template(simulation, "abc"))
    assert field == "template_para"
    assert "para.code must be a number" in reason


@pytest.mark.parametrize("is_ordinary", [True, False])
def test_an_invalid_template_is_refused_with_its_channel(is_ordinary: bool) -> None:
    simulation = a_simulation()
    request = ordinary() if is_ordinary else by_template(simulation, "1")
    channel = simulation.world.settings.channel("text")
    assert channel is not None
    third_party.mark_gone(simulation.world.ports, channel, Family.TEMPLATE, "7")
    with pytest.raises(ThirdPartyInvalid) as error:
        submit.submit(simulation.world.ports, request)
    assert error.value.field == ("msg_sms.id" if is_ordinary else "template_id")
    assert error.value.values == {"what": "template", "id": "7", "channel": "text"}


@pytest.mark.parametrize(
    "unknown", [{"account": "of before"}, {"is_invalid": True, "account": "x"}]
)
def test_a_template_of_unknown_state_is_the_providers_to_judge(unknown: dict[str, Any]) -> None:
    simulation = a_simulation()
    store = simulation.world.records.of(TEMPLATES)
    (stored,) = store.list("text")
    store.update(stored, replace(stored, **unknown, version=2))
    submit.submit(simulation.world.ports, ordinary("abc"))


def test_a_template_that_is_not_kept_is_the_providers_to_judge() -> None:
    submit.submit(a_simulation().world.ports, ordinary("abc", id="8"))


def test_a_channel_without_templates_reads_nothing() -> None:
    simulation = a_simulation()
    channel = simulation.world.settings.channel("text")
    assert channel is not None
    simulation.world.settings.update_channel(
        channel, replace(channel, has_templates=False, version=3)
    )
    simulation.world.log.clear()
    submit.submit(simulation.world.ports, ordinary("abc"))
    assert not [step for step in simulation.world.log if TEMPLATES.name in str(step)]


# -- templates of OpenUMS


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({**TEXT, "para": {}}, "contents.sms.para.code"),
        ({**TEXT, "para": {"code": "abc"}}, "contents.sms.para.code"),
        ({**TEXT, "para": {"code": "{{code}}", "x": "1"}}, "contents.sms.para.x"),
    ],
)
def test_a_template_with_wrong_fields_is_not_saved(content: dict[str, Any], field: str) -> None:
    simulation = a_simulation()
    for contents, path in ((content, field), ([content], field.replace(".sms", ".sms[0]"))):
        with pytest.raises(Invalid) as error:
            templates.add(
                simulation.world.ports,
                SHOP,
                "t",
                {ChannelType.SMS: contents},
                None,  # type: ignore[dict-item]
            )
        assert error.value.field == path


def test_a_template_whose_third_party_template_is_gone_is_not_saved() -> None:
    simulation = a_simulation(is_invalid=True)
    with pytest.raises(ThirdPartyInvalid):
        templates.add(simulation.world.ports, SHOP, "t", {ChannelType.SMS: TEXT}, None)


def test_a_template_that_another_account_takes_is_saved() -> None:
    simulation = a_simulation(is_invalid=True)
    world = simulation.world
    other = a_channel("text2", ChannelType.SMS, number=77, has_templates=True)
    world.settings.put_channel(other)
    access = world.settings.access_channel(SHOP)
    assert access is not None
    world.records.of(TEMPLATES).put(
        Registered("text2", "7", Sort.TEXT, "Code", account=other.credentials_fingerprint)
    )
    access_channels.authorise(world.ports, SHOP, "text2", enabled=True)
    templates.add(world.ports, SHOP, "t", {ChannelType.SMS: {**TEXT, "para": {}}}, None)


def test_a_preview_shows_what_people_read() -> None:
    simulation = a_simulation()
    world = simulation.world
    access = world.settings.access_channel(SHOP)
    assert access is not None
    contents = {ChannelType.SMS: {**TEXT, "para": {"code": "123"}}}
    assert rule.shown(world.ports, access, contents) == {ChannelType.SMS: ["Code 123"]}


# -- deliveries


def test_a_send_that_finds_the_template_gone_marks_it_and_goes_on_by_the_strategy() -> None:
    simulation = a_simulation()
    simulation.world.providers.text.fail(TemplateGone("50013"))
    submit.submit(simulation.world.ports, by_template(simulation, "123"))
    simulation.run()
    (stored,) = simulation.world.records.of(TEMPLATES).list("text")
    assert stored.is_invalid
    assert stored.version == 2
    assert simulation.world.providers.mail.sent() == {"ann@example.com": 1}
    with pytest.raises(ThirdPartyInvalid):
        submit.submit(simulation.world.ports, ordinary())


def test_another_refusal_marks_nothing() -> None:
    simulation = a_simulation()
    simulation.world.providers.text.fail(Rejected("43101"))
    submit.submit(simulation.world.ports, ordinary())
    simulation.run()
    (stored,) = simulation.world.records.of(TEMPLATES).list("text")
    assert not stored.is_invalid


def test_what_was_accepted_before_is_lost_without_asking_the_provider() -> None:
    simulation = a_simulation()
    submit.submit(simulation.world.ports, by_template(simulation, "123"))
    channel = simulation.world.settings.channel("text")
    assert channel is not None
    third_party.mark_gone(simulation.world.ports, channel, Family.TEMPLATE, "7")
    simulation.run()
    assert simulation.world.providers.text.calls == []
    assert simulation.world.providers.mail.sent() == {"ann@example.com": 1}
