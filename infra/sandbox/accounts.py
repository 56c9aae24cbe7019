"""Accounts at the providers, with their console settings, above all the webhook's address."""

from __future__ import annotations

import ipaddress
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

Event = dict[str, Any]  # one receipt in its provider's format

# LocalStack's name for itself, which leads to 127.0.0.1 by the public DNS.
LOCALSTACK = "localhost.localstack.cloud"
GOLDEN = 0.618033988749895  # any number of its multiples, modulo 1, is spread evenly


@dataclass(eq=False)
class Account:
    provider: str
    app_key: str
    master_secret: str | None = None  # None until the account is registered: any is accepted
    webhook_url: str | None = None
    receipt_batch: int = 1  # receipts in one post at most
    receipt_batch_limit: int = 1000  # the provider's limit for `receipt_batch`
    receipt_wait: float = 0.2  # seconds that a post with room waits for more receipts
    receipt_delay: float = 0.2  # seconds from a delivery to its receipt
    trickle: float = 0.0  # seconds over which `trickle_share` of the receipts are spread
    trickle_share: float = 0.5
    rate_limit: int = 0  # calls per minute, 0 for unlimited
    report_interval: float = 5.0  # seconds between two polls, if the provider has a minimum
    agent_id: str | None = None  # the application's number, None for any
    callback_token: str | None = None  # signs callbacks
    encoding_aes_key: str | None = None  # encrypts callbacks
    templates: str | None = None  # template ids with the names of their values, None for any
    token_life: float = 7200.0  # seconds until an access token expires
    access_token: str = ""
    token_ends: float = 0.0
    connections: int = 0  # CMPP: connections open at once, 0 for unlimited
    consecutive_ids: int = 0  # CMPP, 1: every number of a SUBMIT has its id, in sequence
    other_connection: int = 0  # CMPP, 1: reports come on another connection than the message's
    report_bytes: int = 0  # CMPP: 60 or 71 in any version, 0 for the version's size
    answer_delay: float = 0.0  # CMPP: seconds until a SUBMIT is answered
    status_bytes: int = 0  # CMPP: bytes of Status in the digest, 0 for the version's size
    failure: str | None = None  # CMPP: state of what is not delivered, None: UNDELIV
    nameless_reports: int = 0  # CMPP, 1: reports do not name the phone
    largest_group: int = 0  # CMPP: numbers of a SUBMIT, above it is throttled. 0: unlimited
    # Receipts and replies that wait to be polled.
    unread: deque[Event] = field(default_factory=lambda: deque(maxlen=100_000))
    replies: deque[Event] = field(default_factory=lambda: deque(maxlen=10_000))
    last_report: float = 0.0
    last_reply: float = 0.0
    _trickled: int = 0
    _minute: tuple[int, int] = (0, 0)

    def delay(self) -> float:
        """Return the seconds until the next recipient's receipt, evenly spread for `trickle`."""
        if not self.trickle:
            return self.receipt_delay
        self._trickled += 1
        trickling = self._trickled * self.trickle_share
        if int(trickling) == int(trickling - self.trickle_share):
            return self.receipt_delay
        return self.receipt_delay + self.trickle * (self._trickled * GOLDEN % 1)

    def seconds_to_wait(self) -> int:
        """Count a call, and return seconds above 0 if this minute's limit is used up."""
        now = int(time.time())
        minute, used = self._minute
        used = used + 1 if minute == now // 60 else 1
        self._minute = (now // 60, used)
        return 60 - now % 60 if self.rate_limit and used > self.rate_limit else 0


TEXTS = (
    "master_secret",
    "webhook_url",
    "agent_id",
    "callback_token",
    "encoding_aes_key",
    "templates",
    "failure",
)
NUMBERS = {
    "receipt_batch": (1, 1000),
    "receipt_wait": (0, 60),
    "receipt_delay": (0, 3600),
    "trickle": (0, 3600),
    "trickle_share": (0, 1),
    "rate_limit": (0, 1_000_000),
    "report_interval": (0, 60),
    "token_life": (0, 7200),
    "connections": (0, 64),
    "consecutive_ids": (0, 1),
    "other_connection": (0, 1),
    "report_bytes": (0, 71),
    "answer_delay": (0, 60),
    "status_bytes": (0, 4),
    "nameless_reports": (0, 1),
    "largest_group": (0, 99),
}
WHOLE = frozenset(
    {
        "receipt_batch",
        "rate_limit",
        "connections",
        "consecutive_ids",
        "other_connection",
        "report_bytes",
        "status_bytes",
        "nameless_reports",
        "largest_group",
    }
)


class Accounts:
    """The accounts. `defaults` holds a provider's settings that differ from `Account`'s."""

    def __init__(self, defaults: Mapping[str, Mapping[str, Any]]) -> None:
        self._defaults = defaults
        self._accounts: dict[tuple[str, str], Account] = {}

    def get(self, provider: str, app_key: str) -> Account:
        """Return the account of any key. Registered accounts check secrets and have webhooks."""
        account = self._accounts.get((provider, app_key))
        if account is None:
            account = Account(provider, app_key, **self._defaults[provider])
            self._accounts[provider, app_key] = account
        return account

    def register(self, raw: Mapping[str, Any]) -> Account:
        """Set up an account anew: settings get their defaults, and its access token ends.

        Raises ValueError with a text for people.
        """
        provider, app_key = self._identity(raw)
        settings = {**self._defaults[provider], **_checked(raw)}
        account = self.get(provider, app_key)
        if settings.get("receipt_batch", 1) > account.receipt_batch_limit:
            raise ValueError(f"receipt_batch must be at most {account.receipt_batch_limit}")
        for item in fields(Account):
            if item.name in TEXTS or item.name in NUMBERS:
                setattr(account, item.name, settings.get(item.name, item.default))
        account.token_ends = 0.0
        return account

    def _identity(self, raw: Mapping[str, Any]) -> tuple[str, str]:
        provider, app_key = raw.get("provider"), raw.get("app_key")
        if provider not in self._defaults:
            raise ValueError(f"provider must be one of {', '.join(self._defaults)}")
        if not isinstance(app_key, str) or not app_key or ":" in app_key:
            raise ValueError("app_key must be a text without a colon")
        unknown = sorted(set(raw) - {"provider", "app_key", "verify", *TEXTS, *NUMBERS})
        if unknown:
            raise ValueError(f"{unknown[0]} is not a setting")
        return str(provider), app_key

    def clear(self) -> None:
        """Drop the receipts and replies that wait to be polled. Accounts stay registered."""
        for account in self._accounts.values():
            account.unread.clear()
            account.replies.clear()
            account.last_report = account.last_reply = 0.0


def _checked(raw: Mapping[str, Any]) -> dict[str, Any]:
    settings = {name: raw[name] for name in (*TEXTS, *NUMBERS) if raw.get(name) is not None}
    for name, value in settings.items():
        if name in NUMBERS:
            _check_number(name, value)
        elif not isinstance(value, str) or not value:
            raise ValueError(f"{name} must be a text")
    if "webhook_url" in settings and not is_local(settings["webhook_url"]):
        raise ValueError("webhook_url must be an http(s) address of this machine")
    return settings


def _check_number(name: str, value: Any) -> None:
    low, high = NUMBERS[name]
    is_number = isinstance(value, int if name in WHOLE else (int, float))
    if isinstance(value, bool) or not is_number or not low <= value <= high:
        raise ValueError(f"{name} must be a number from {low} to {high}")


def is_local(url: str) -> bool:
    """Return True if a URL leads to this machine, the only one that the sandbox calls."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https"):
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # RFC 6761: names under localhost are loopback.
        return host in ("localhost", LOCALSTACK) or host.endswith(".localhost")
