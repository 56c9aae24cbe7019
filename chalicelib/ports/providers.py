"""Providers, their access tokens, and the rate limit of calls to them."""

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
from chalicelib.domain.third_party import Draft, Keyword, Registered, Sort, Title


class OwnRole(Protocol):
    """The role of the function that runs, where the deployment lets it send mails."""

    @property
    def region(self) -> str:
        """The region of the deployment."""

    def keys(self) -> tuple[str, str, str]:
        """Return id, secret and token of an access key, which AWS renews now and then."""


class Registry(Protocol):
    """An account's templates and signatures at its provider.

    A platform has the methods that its `Registers` names the actions of. They raise like
    `Session.send`. Only `create` and `choose` must not be repeated.
    """

    def all(self) -> Sequence[Registered]:
        """Return all that the account has, of every sort that can be listed."""

    def read(self, sort: Sort, id: str) -> Registered | None:
        """Return a template or signature, or None if the provider does not have it."""

    def create(self, draft: Draft) -> Registered:
        """Create a template or signature, which the provider then reviews."""

    def change(self, id: str, draft: Draft) -> Registered:
        """Change what was refused, so that the provider reviews it again."""

    def delete(self, sort: Sort, id: str) -> None:
        """Delete at the provider. What is gone already may be deleted again."""

    def titles(self) -> Sequence[Title]:
        """Return the titles of the library that the account may choose from."""

    def keywords(self, id: str) -> Sequence[Keyword]:
        """Return the keywords of a template of the library."""

    def choose(self, id: str, keywords: Sequence[int], scene: str) -> str:
        """Make a template with these keywords, in their order, and return its id."""


class Session(Protocol):
    """An open connection to one account of a provider, for the length of a job."""

    def prepare(self) -> None:
        """Do what must precede a call: connect, log in, get an access token. Send nothing.

        Raise Unavailable, Throttled or Misconfigured. It costs nothing when it is done already.
        """

    def token(self) -> str | None:
        """Fetch the idempotency token of the next call. None: the provider has no such tokens."""

    def token_for(self, content: Mapping[str, Any]) -> str | None:
        """Fetch an idempotency token, for a provider that has tokens for some contents only."""

    def send(self, call: OutgoingCall) -> Answer:
        """Make a call.

        Raise Rejected, Unavailable, Throttled, Uncertain or Misconfigured if there is no answer per
        contact.
        """

    def poll(self, provider_ids: Mapping[str, Sequence[str]]) -> Sequence[Receipt | Reply]:
        """Fetch receipts for calls: provider id -> contacts still open.

        Providers whose reports do not name a call ignore the argument.
        """

    def recall(self, provider_id: str, contacts: Sequence[str]) -> Sequence[Outcome]:
        """Recall a call from contacts. Return one outcome per contact: `loss` is None if recalled.

        Only a provider with `capabilities.recall` has this method.
        """

    def check(self) -> None:
        """Make a harmless request to test address and credentials. Raise like `send`."""

    def access_token(self) -> Token | None:
        """Return the provider's own token for the account, fetched if necessary.

        None: the provider has no such tokens.
        """

    def registry(self) -> Registry:
        """Return the account's templates. Only a provider with `capabilities.registers` has any."""

    def authorisation_link(self, redirect_uri: str) -> str:
        """Return the page on which the account's owner authorises us.

        The page redirects to `redirect_uri`. Only a provider with `capabilities.authorisation` has
        this.
        """


class Provider(Protocol):
    capabilities: Capabilities

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        """Raise Invalid with the field (`credentials.app_key`, `options.server`)."""

    def check_content(self, content: Mapping[str, Any]) -> None:
        """Raise Invalid for a template's content that the provider does not accept."""

    def webhook_secret(self, credentials: Mapping[str, Any]) -> Mapping[str, str]:
        """Return only what the API needs to verify webhooks. It is sealed on its own."""

    def connect(self, account: Account) -> AbstractContextManager[Session]: ...

    def read_webhook(self, request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
        """Verify and read a webhook. Raise Unverified, or Invalid for an unreadable body."""


class Providers(Protocol):
    def of(self, platform: str) -> Provider:
        """Raise KeyError for a platform that does not exist."""

    def platforms(self, channel_type: ChannelType) -> Sequence[str]:
        """Return the platforms that deliver on a channel type, possibly none."""


class Tokens(Protocol):
    """Access tokens of providers, sealed, shared by all containers (`provider_io.token_name`).

    Results of provider queries are kept here too, for minutes (flow/provider_query.py).
    """

    def read(self, name: str) -> Token | None:
        """Return a token, read consistently, or None if it is missing or expired."""

    def write(self, name: str, token: Token) -> None:
        """Replace a token and end its lease."""

    def lease(self, name: str, seconds: int) -> bool:
        """Reserve the fetch of a new token. Return whether the caller has the lease."""

    def give_back(self, name: str, seconds: int) -> None:
        """Pass on the lease after a failed fetch: another caller may have it after `seconds`."""


class RateLimiter(Protocol):
    """Reservations that keep all workers together within a provider's calls per second."""

    def reserve(self, channel: str, calls: int, rate: float, *, urgent: bool) -> int:
        """Reserve time for calls, and return when (ms) the first may begin.

        Reservations follow each other in the order of the requests. A reservation costs one update
        or two. A fifth of the rate is only for urgent calls. Urgent calls may use all of the rate
        while no others wait.
        """

    def knows(self, channel: str) -> bool:
        """Tell if this container has reserved time on a channel lately. It costs nothing."""
