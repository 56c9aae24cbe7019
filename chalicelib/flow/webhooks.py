"""Take what a provider posts: receipts, replies, authorisations. Verify it first."""

from __future__ import annotations

import hashlib
import hmac
from contextlib import suppress

from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.errors import ForgedToken, NotServed
from chalicelib.domain.jobs import Query
from chalicelib.domain.provider_io import Webhook, WebhookRequest
from chalicelib.flow import bounces, nonces, provider_query, receipts, third_party
from chalicelib.observability import log
from chalicelib.ports import World


def take_webhook(world: World, code: str, token: str, request: WebhookRequest) -> Webhook:
    """Verify a provider's post, add its receipts, and return the reply that the provider wants.

    Raises ForgedToken (no such channel or token), Unverified, or Invalid for a body that cannot be
    read. When this raises, the provider posts again.
    """
    channel = _addressed(world, code, token)
    channel, webhook = _read(world, channel, request)
    nonce = nonces.begin(world, channel.code, webhook, request)
    for name, kept in webhook.kept.items():
        world.tokens.write(name, kept)
    if webhook.authorised is not None:
        _use_authorisation(world, channel, webhook.authorised)
    receipts.record(world, channel.code, webhook.receipts, nonce)
    receipts.record_replies(world, channel.code, webhook.replies)
    if webhook.reviews:
        third_party.take_reviews(world, channel, webhook.reviews)
    if webhook.contacts:
        bounces.record(world, channel, webhook.contacts)
    return webhook


def _addressed(world: World, code: str, token: str) -> Channel:
    """Return the channel of an address. Compare a token also where there is no channel."""
    channel = world.settings.channel(code)
    expected = channel.webhook_token_hash if channel else "0" * 64
    digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
    if not hmac.compare_digest(digest, expected) or channel is None:
        raise ForgedToken("webhook")
    return channel


def _read(world: World, channel: Channel, request: WebhookRequest) -> tuple[Channel, Webhook]:
    """Return the channel that a webhook is about, and the webhook as that channel verifies it.

    Where several accounts share an address, it may be another channel. Only accounts that are
    authorised by a page share one: others count on the token in their own.
    """
    webhook = _verified(world, channel, request)
    if webhook.channel in ("", channel.code):
        return channel, webhook
    other = world.settings.channel(webhook.channel)
    if other is None or not world.providers.of(other.platform).capabilities.authorisation:
        fields = {"channel": channel.code, "named": webhook.channel}
        log.warning("webhook_of_no_channel", extra=fields)
        return channel, webhook
    return other, _verified(world, other, request)


def _verified(world: World, channel: Channel, request: WebhookRequest) -> Webhook:
    secret = world.credentials.open_webhook(channel.sealed_webhook)
    return world.providers.of(channel.platform).read_webhook(request, secret)


def _use_authorisation(world: World, channel: Channel, authorised: str) -> None:
    """Check the connection of the channel whose account has just let us in.

    The proof of an authorisation is good for minutes. The check turns it into one that lasts.
    """
    subject = world.settings.channel(authorised) if authorised else channel
    if subject is None:
        log.warning("webhook_of_no_channel", extra={"channel": channel.code, "named": authorised})
        return
    with suppress(NotServed):  # the stage does not deliver on it
        provider_query.ask(world, subject, Query.CHECK)
