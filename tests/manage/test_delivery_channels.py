from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ChannelType, OnUncertain, ReceiptMode
from chalicelib.domain.errors import Invalid
from chalicelib.manage import delivery_channels, platforms
from chalicelib.manage.secrets import digest
from chalicelib.ports import World
from tests.fakes.secrets import FakeVault
from tests.fakes.world import FakeWorld

APP, SMS, EMAIL = ChannelType.APP, ChannelType.SMS, ChannelType.EMAIL


@pytest.fixture
def fake() -> FakeWorld:
    return FakeWorld()


@pytest.fixture
def world(fake: FakeWorld) -> World:
    return fake.ports


def order(**changes: Any) -> delivery_channels.ChannelOrder:
    fields = {
        "code": "c1",
        "name": "n",
        "type": APP,
        "platform": "push",
        "credentials": {"key": "k", "more": "the secret"},
    }
    return delivery_channels.ChannelOrder(**{**fields, **changes})


def test_who_delivers_finds_the_key_that_only_the_api_may_make() -> None:
    class Empty(FakeVault):
        """Of a deployment that has sealed nothing yet, as delivery functions see it."""

        made = False

        def prepare(self) -> None:
            self.made = True

        def mac(self, label: str, data: bytes) -> bytes:
            if not self.made:
                raise PermissionError("kms:GenerateDataKey")
            return super().mac(label, data)

    fake = FakeWorld()
    fake.vault = Empty()
    delivery_channels.add(fake.ports, order())
    fake.vault.seal(b"the answer to a test of the channel", "token#asked")


def test_webhook_and_sending_credentials_are_sealed_apart(fake: FakeWorld, world: World) -> None:
    channel, token = delivery_channels.add(
        world,
        order(on_uncertain=OnUncertain.RESEND, receipts=ReceiptMode.POLL, options={"server": "s"}),
    )
    assert fake.credentials.open_credentials(channel.sealed_credentials) == {
        "key": "k",
        "more": "the secret",
    }
    assert fake.credentials.open_webhook(channel.sealed_webhook) == {"secret": "webhook-of-k"}
    assert (channel.number, channel.receipts, channel.on_uncertain) == (
        1,
        ReceiptMode.POLL,
        OnUncertain.RESEND,
    )
    assert channel.webhook_token_hash == digest(token)
    assert fake.settings.channel("c1") == channel


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "all"}, "code"),
        ({"platform": "nothing"}, "platform"),
        ({"platform": "text"}, "platform"),
        ({"credentials": {}}, "credentials.key"),
        ({"options": {"x": 1}}, "options.x"),
        ({"options": {"server": "x" * 80_000}}, "options"),
        ({"credentials": {"key": "x" * 5000}}, "credentials"),
        (
            {
                "platform": "mail",
                "type": EMAIL,
                "credentials": {"key": "k"},
                "receipts": ReceiptMode.POLL,
            },
            "",
        ),
    ],
)
def test_what_no_provider_could_send_with_is_refused(
    fake: FakeWorld, world: World, changes: dict[str, Any], field: str
) -> None:
    if not field:  # a provider without receipts does not mind how they would come
        delivery_channels.add(world, order(**changes))
        return
    with pytest.raises(Invalid) as invalid:
        delivery_channels.add(world, order(**changes))
    assert invalid.value.field == field
    assert fake.settings.channels() == []


@pytest.mark.parametrize(("platform", "kind"), [("push", APP), ("mail", EMAIL)])
def test_receipts_come_by_webhook_where_nothing_is_said(
    world: World, platform: str, kind: ChannelType
) -> None:
    channel, _ = delivery_channels.add(world, order(platform=platform, type=kind))
    assert channel.receipts is ReceiptMode.WEBHOOK
    assert platforms.has_webhook(world, channel) is (platform == "push")


def test_receipts_for_each_recipient_are_asked_for_where_nothing_else_is_said(world: World) -> None:
    """A provider that has both: a post for every few of them would cost more than all else."""
    channel, _ = delivery_channels.add(world, order(platform="text", type=SMS))
    assert channel.receipts is ReceiptMode.POLL
    posted, _ = delivery_channels.add(
        world, order(platform="text", type=SMS, receipts=ReceiptMode.WEBHOOK, code="c2", name="n2")
    )
    assert posted.receipts is ReceiptMode.WEBHOOK


def test_options_for_every_platform_are_not_the_providers(world: World) -> None:
    channel, _ = delivery_channels.add(
        world, order(options={"server": "s", "calls_per_second": 5, "unsubscribe_words": ["TD"]})
    )
    assert channel.options == {"server": "s", "calls_per_second": 5, "unsubscribe_words": ["TD"]}
    with pytest.raises(Invalid) as invalid:
        delivery_channels.add(
            world, order(options={"calls_per_second": "fast"}, code="c2", name="n2")
        )
    assert invalid.value.field == "options.calls_per_second"
