from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import ChannelType, OnUncertain, ReceiptMode
from chalicelib.domain.errors import Invalid, NotFound, Taken
from chalicelib.domain.strategies import Missing, Step, Strategy, StrategyEntry, Term
from chalicelib.manage import changes as configure
from chalicelib.manage import strategies, templates
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


def order(**changes: Any) -> configure.ChannelOrder:
    fields = {
        "code": "c1",
        "name": "n",
        "type": APP,
        "platform": "push",
        "credentials": {"key": "k", "more": "the secret"},
    }
    return configure.ChannelOrder(**{**fields, **changes})


def test_of_a_secret_only_the_hash_is_kept(fake: FakeWorld, world: World) -> None:
    channel, secret = configure.add_access_channel(world, "shop")
    stored = fake.settings.access_channel(channel.key)
    assert stored == AccessChannel(channel.key, "shop", (configure.digest(secret),))
    assert secret not in repr(vars(fake.settings))


def test_secrets_and_keys_differ(world: World) -> None:
    made = [configure.add_access_channel(world, f"n{n}") for n in range(20)]
    assert len({c.key for c, _ in made} | {s for _, s in made}) == 40


def test_a_name_that_is_taken_is_a_conflict(world: World) -> None:
    configure.add_access_channel(world, "shop")
    with pytest.raises(Taken) as refused:
        configure.add_access_channel(world, "shop")
    assert refused.value.field == "name"


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
    configure.add_channel(fake.ports, order())
    fake.vault.seal(b"the answer to a test of the channel", "token#asked")


def test_webhook_and_sending_credentials_are_sealed_apart(fake: FakeWorld, world: World) -> None:
    channel, token = configure.add_channel(
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
    assert channel.webhook_token_hash == configure.digest(token)
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
        configure.add_channel(world, order(**changes))
        return
    with pytest.raises(Invalid) as invalid:
        configure.add_channel(world, order(**changes))
    assert invalid.value.field == field
    assert fake.settings.channels() == []


@pytest.mark.parametrize(("platform", "kind"), [("push", APP), ("mail", EMAIL)])
def test_receipts_come_by_webhook_where_nothing_is_said(
    world: World, platform: str, kind: ChannelType
) -> None:
    channel, _ = configure.add_channel(world, order(platform=platform, type=kind))
    assert channel.receipts is ReceiptMode.WEBHOOK
    assert configure.has_webhook(world, channel) is (platform == "push")


def test_receipts_for_each_recipient_are_asked_for_where_nothing_else_is_said(world: World) -> None:
    """A provider that has both: a post for every few of them would cost more than all else."""
    channel, _ = configure.add_channel(world, order(platform="text", type=SMS))
    assert channel.receipts is ReceiptMode.POLL
    posted, _ = configure.add_channel(
        world, order(platform="text", type=SMS, receipts=ReceiptMode.WEBHOOK, code="c2", name="n2")
    )
    assert posted.receipts is ReceiptMode.WEBHOOK


def test_options_for_every_platform_are_not_the_providers(world: World) -> None:
    channel, _ = configure.add_channel(
        world, order(options={"server": "s", "calls_per_second": 5, "unsubscribe_words": ["TD"]})
    )
    assert channel.options == {"server": "s", "calls_per_second": 5, "unsubscribe_words": ["TD"]}
    with pytest.raises(Invalid) as invalid:
        configure.add_channel(
            world, order(options={"calls_per_second": "fast"}, code="c2", name="n2")
        )
    assert invalid.value.field == "options.calls_per_second"


def test_only_what_is_there_can_be_authorised(world: World) -> None:
    channel, _ = configure.add_access_channel(world, "shop")
    for key, code in ((channel.key, "c1"), ("nobody", "c1")):
        with pytest.raises(NotFound):
            configure.authorise(world, key, code, True)
    configure.add_channel(world, order())
    configure.authorise(world, channel.key, "c1", True)
    assert configure.access_channel(world, channel.key).channels == {"c1": True}
    with pytest.raises(NotFound):
        configure.authorise(world, "nobody", "c1", None)


CONTENTS = {APP: {"text": "{{name}} {{url}}"}, SMS: {"text": "{{shop_url}}"}}


def test_a_template_has_a_number_and_its_links(world: World) -> None:
    key = configure.add_access_channel(world, "shop")[0].key
    template = templates.add(world, key, "t", CONTENTS, None)
    assert (template.number, template.version, template.links) == (
        1,
        1,
        frozenset({"url", "shop_url"}),
    )
    assert templates.get(world, 1) == template
    assert list(world.settings.templates(key)) == [template]
    assert templates.add(world, key, "t", CONTENTS, ["name"]).links == {"name"}


@pytest.mark.parametrize(
    ("contents", "links", "field"),
    [
        ({}, None, "contents"),
        ({APP: {}}, None, "contents.app.text"),
        ({ChannelType.WECHATOA: {"text": "x"}}, None, "contents.wechatoa"),
        ({APP: {"text": "{{a b}}"}}, None, "contents.app"),
        ({APP: {"text": "x" * 100_000}}, None, "contents"),
        (CONTENTS, ["x"], "links[0]"),
        (CONTENTS, ["name", "nme"], "links[1]"),
    ],
)
def test_a_template_that_could_not_be_sent_is_refused(
    world: World, contents: Any, links: Any, field: str
) -> None:
    key = configure.add_access_channel(world, "shop")[0].key
    with pytest.raises(Invalid) as invalid:
        templates.add(world, key, "t", contents, links)
    assert invalid.value.field == field
    assert list(world.settings.templates(key)) == []


def test_strategies_belong_to_an_access_channel_and_follow_the_rules(world: World) -> None:
    key = configure.add_access_channel(world, "shop")[0].key
    good = Strategy((Step((APP,)), Step((SMS,), (Term(APP, Missing.DELIVERED, 60),))))
    assert strategies.add(world, key, "s", good).number == 1
    assert list(world.settings.strategies(key)) == [StrategyEntry(1, key, "s", good)]
    with pytest.raises(NotFound):
        strategies.add(world, "nobody", "s", good)
    with pytest.raises(Invalid):
        strategies.add(world, key, "s", Strategy(()))
