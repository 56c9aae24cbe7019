"""What speaks to the outside: providers, their access tokens, and turns to call them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.provider_io import (
    Account,
    Answer,
    Capabilities,
    Outcome,
    OutgoingCall,
    Receipt,
    Reply,
    Token,
    Webhook,
    WebhookRequest,
)


class Session(Protocol):
    """An open way to one account of a provider, for the length of a job."""

    def token(self) -> str | None:
        """The idempotency token of the next call, fetched beforehand; None where the provider has none."""

    def token_for(self, content: Mapping[str, Any]) -> str | None:
        """The same, for a provider that has tokens for some kinds of content only."""

    def send(self, call: OutgoingCall) -> Answer:
        """Raises Rejected, Unavailable, Throttled, Uncertain or Misconfigured when there is no answer per contact."""

    def poll(self, provider_ids: Mapping[str, Sequence[str]]) -> Sequence[Receipt | Reply]:
        """Ask for receipts: provider id of a call -> contacts still open. Providers whose reports name no call ignore the argument."""

    def recall(self, provider_id: str, contacts: Sequence[str]) -> Sequence[Outcome]:
        """Take back what a call sent to these contacts, one outcome each (no loss: taken back). Only where `capabilities.recall`."""

    def check(self) -> None:
        """Ask something harmless that shows whether address and credentials are right; raises like `send`."""

    def access_token(self) -> Token | None:
        """The provider's own token for this account, fetched if need be; None where it has none."""

    def authorisation_link(self, redirect_uri: str) -> str:
        """The page on which the account's owner lets us in, and which leads on to an address. Only where `capabilities.authorisation`."""


class Provider(Protocol):
    capabilities: Capabilities

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        """Raises Invalid naming the field (`credentials.app_key`, `options.server`)."""

    def check_content(self, content: Mapping[str, Any]) -> None:
        """Whether a template's content for this channel type has the provider's shape; raises Invalid."""

    def webhook_secret(self, credentials: Mapping[str, Any]) -> Mapping[str, str]:
        """What the API needs to verify webhooks, and nothing more; sealed on its own."""

    def connect(self, account: Account) -> AbstractContextManager[Session]: ...

    def read_webhook(self, request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
        """Raises Unverified; raises Invalid for a body that cannot be read."""


class Providers(Protocol):
    def of(self, platform: str) -> Provider:
        """Raises KeyError for a platform that does not exist."""

    def platforms(self, channel_type: ChannelType) -> Sequence[str]:
        """The platforms that deliver on this type; none where nobody speaks it."""


class Tokens(Protocol):
    """Access tokens of providers, sealed, shared by all containers (`sending.token_name`).

    What a provider was asked for the API is kept here too, for minutes (flow/provider_query.py).
    """

    def read(self, name: str) -> Token | None:
        """Consistently; None when there is none or it has expired."""

    def write(self, name: str, token: Token) -> None:
        """Replaces what is there, and ends the lease."""

    def lease(self, name: str, seconds: int) -> bool:
        """Whether it is the caller who may fetch a new one: nobody else may, for so long."""

    def give_back(self, name: str, seconds: int) -> None:
        """Who has the lease could fetch none: somebody else may, so many seconds from now."""


class RateLimiter(Protocol):
    """Turns: who calls a provider when, so that all workers together keep to its calls per second."""

    def reserve(self, channel: str, calls: int, rate: float, *, urgent: bool) -> int:
        """When (ms) so many calls may begin: one after the other, in the order in which they asked; one update or two.

        A fifth of the rate is only for what is urgent, which has all of it while nothing else waits.
        """
