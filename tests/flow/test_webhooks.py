"""Webhooks that bring more than receipts: what is to be kept, and what is about another channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import Unverified
from chalicelib.domain.jobs import Query, QueryJob
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Receipt, ReceiptKind, Token, Webhook, WebhookRequest
from chalicelib.flow import webhooks
from chalicelib.ports import Lookup, World
from tests.builders import WEBHOOK_TOKEN, a_channel
from tests.fakes.clock import START
from tests.fakes.world import LIMITS, FakeWorld

REQUEST = WebhookRequest("POST", {}, {}, b"body", START)


class Telling:
    """A provider whose webhooks say what a test wants."""

    def __init__(self, real: Any, says: Callable[[Mapping[str, str]], Webhook]) -> None:
        self.capabilities, self.read = real.capabilities, says

    def read_webhook(self, request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
        return self.read(secret)


def world(says: Callable[[Mapping[str, str]], Webhook]) -> tuple[FakeWorld, World]:
    fake = FakeWorld()
    shared_by_accounts = Telling(fake.providers.push, says)
    shared_by_accounts.capabilities = replace(fake.providers.push.capabilities, authorisation=True)
    fake.providers._by_platform["push"] = shared_by_accounts  # type: ignore[assignment]
    shared = a_channel("push")
    fake.settings.put_channel(shared)
    other = replace(
        shared,
        code="wx1",
        name="other",
        sealed_webhook=fake.credentials.seal_webhook({"secret": "of-other"}),
    )
    fake.settings.put_channel(other)
    return fake, fake.ports


def test_what_a_provider_hands_over_is_kept_under_its_name() -> None:
    token = Token("ticket", START + 1000, START + 1000)
    fake, ports = world(lambda _: Webhook(reply="ok", kept={"component#c#ticket": token}))
    assert webhooks.take_webhook(ports, "push", WEBHOOK_TOKEN, REQUEST).reply == "ok"
    assert fake.tokens.read("component#c#ticket") == token
    assert webhooks.take_webhook(ports, "push", WEBHOOK_TOKEN, REQUEST).reply == "ok"
    assert fake.tokens.read("component#c#ticket") == token


@pytest.mark.parametrize(
    ("authorised", "checked"), [("", ["push"]), ("wx1", ["wx1"]), ("nobody", []), (None, [])]
)
def test_a_new_authorisation_is_used_at_once_since_its_code_is_good_for_minutes(
    authorised: str | None, checked: list[str]
) -> None:
    fake, ports = world(lambda _: Webhook(reply="ok", authorised=authorised))
    assert webhooks.take_webhook(ports, "push", WEBHOOK_TOKEN, REQUEST).reply == "ok"
    jobs = [envelope.job for envelope in fake.queues.sent if isinstance(envelope.job, QueryJob)]
    assert [(job.channel, job.question) for job in jobs] == [
        (code, Query.CHECK) for code in checked
    ]


def test_an_authorisation_is_taken_also_where_nobody_delivers() -> None:
    fake, _ = world(lambda _: Webhook(reply="ok", authorised=""))
    fake.limits = replace(LIMITS, channel_types=())
    assert webhooks.take_webhook(fake.ports, "push", WEBHOOK_TOKEN, REQUEST).reply == "ok"
    assert not fake.queues.sent


def test_what_is_about_another_channel_is_verified_and_taken_by_that_one() -> None:
    receipt = Receipt("id", ReceiptKind.DELIVERED, START, "contact")

    def says(secret: Mapping[str, str]) -> Webhook:
        return (
            Webhook([receipt], "other")
            if secret["secret"] == "of-other"
            else Webhook(reply="first", channel="wx1")
        )

    fake, ports = world(says)
    assert webhooks.take_webhook(ports, "push", WEBHOOK_TOKEN, REQUEST).reply == "other"
    (((channel, _), parked),) = fake.lookups.waiting.items()
    assert (channel, [entry.kind for entry in parked]) == ("wx1", [receipt.kind])


def test_a_channel_of_which_no_platform_speaks_for_its_accounts_cannot_be_named_by_another() -> (
    None
):
    """Its reader may ask for no signature, since it counts on the token in its own address."""
    fake, ports = world(lambda _: Webhook(reply="here", channel="text"))
    receipt = Receipt("id", ReceiptKind.DELIVERED, START, "contact")
    fake.providers._by_platform["text"] = Telling(
        fake.providers.text, lambda _: Webhook([receipt], "theirs")
    )  # type: ignore[assignment]
    fake.settings.put_channel(a_channel("text"))
    assert webhooks.take_webhook(ports, "push", WEBHOOK_TOKEN, REQUEST).reply == "here"
    assert fake.lookups.waiting == {}


def test_what_another_channel_does_not_verify_is_refused() -> None:
    def says(secret: Mapping[str, str]) -> Webhook:
        if secret["secret"] == "of-other":
            raise Unverified("signature")
        return Webhook(channel="wx1")

    _, ports = world(says)
    with pytest.raises(Unverified):
        webhooks.take_webhook(ports, "push", WEBHOOK_TOKEN, REQUEST)


@pytest.mark.parametrize("named", ["nobody", "push", ""])
def test_what_is_about_no_other_channel_is_answered_here(named: str) -> None:
    fake, ports = world(lambda _: Webhook(reply="here", channel=named))
    assert webhooks.take_webhook(ports, "push", WEBHOOK_TOKEN, REQUEST).reply == "here"
    assert fake.lookups.waiting == {}


def test_a_channel_that_names_itself_through_another_is_not_asked_for_ever() -> None:
    _, ports = world(lambda _: Webhook(reply="again", channel="wx1"))
    assert webhooks.take_webhook(ports, "push", WEBHOOK_TOKEN, REQUEST).reply == "again"


def test_the_nonce_belongs_to_the_channel_that_takes_the_post() -> None:
    def says(secret: Mapping[str, str]) -> Webhook:
        return (
            Webhook(nonce="n")
            if secret["secret"] == "of-other"
            else Webhook(channel="wx1", nonce="ignored")
        )

    fake, ports = world(says)
    fake.lookups.has("wx1", {"id": Lookup(ChunkId("m", 0))})
    webhooks.take_webhook(ports, "push", WEBHOOK_TOKEN, REQUEST)
    assert list(fake.lookups.nonces) == [("wx1", "n")]
