"""A send is resolved once: nothing that is known is computed or looked up again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.submit import submit
from tests.builders import a_channel, a_template, a_user, an_access_channel
from tests.fakes.world import FakeWorld

PHONES = tuple(f"1390000{n:04d}" for n in range(30))


@pytest.fixture
def fake() -> FakeWorld:
    world = FakeWorld()
    world.settings.put_access_channel(an_access_channel())
    for code in ("push", "text", "mail"):
        world.settings.put_channel(a_channel(code))
    world.settings.put_template(a_template(1))
    world.settings.put_template(a_template(2, ("sms",)))
    world.users.has(a_user("ann", push=("reg-ann",), text="1001", mail="ann@example.com"))
    return world


def a_request(template: int, **targets: object) -> SendRequest:
    request = SendRequest(
        channel=an_access_channel(),
        template=template,
        template_para={"name": "you"},
        app_para={"platform": "all"},
    )
    return replace(request, **targets)  # type: ignore[arg-type]


def test_a_send_computes_the_hmac_of_each_contact_once(fake: FakeWorld) -> None:
    fake.vault.macs.clear()
    submit(fake.ports, a_request(2, contacts={ChannelType.SMS: PHONES}))
    targets = {data: number for (label, data), number in fake.vault.macs.items() if label != "seal"}
    assert targets == {phone.encode(): 1 for phone in PHONES}


def test_a_send_asks_for_the_provider_of_each_delivery_channel_once(fake: FakeWorld) -> None:
    fake.providers.uses.clear()
    submit(fake.ports, a_request(1, userids=("ann",)))
    assert fake.providers.uses == {"push": 1, "text": 1, "mail": 1}


def test_a_message_has_no_more_elements_than_links_can_name(fake: FakeWorld) -> None:
    codes = [f"app{n}" for n in range(26)]
    for code in codes:
        fake.settings.put_channel(a_channel(code, ChannelType.APP))
    access = an_access_channel(channels=codes)
    elements = [{"text": f"{n}"} for n in range(10)]
    request = SendRequest(
        channel=access, userids=("ann",), contents={ChannelType.APP: elements[:9]}
    )
    assert submit(fake.ports, request)
    with pytest.raises(Invalid, match="elements"):
        submit(fake.ports, replace(request, contents={ChannelType.APP: elements}))
