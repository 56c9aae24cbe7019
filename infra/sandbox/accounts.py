"""The accounts of the providers' users, with what they entered in the provider's console: above all the webhook's address."""

from __future__ import annotations

import ipaddress
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

Event = dict[str, Any]  # one receipt in its provider's own words

GOLDEN = 0.618033988749895  # its multiples, modulo 1, are spread evenly however many there are


@dataclass(eq=False)
class Account:
    provider: str
    app_key: str
    master_secret: str | None = None  # None until the account is registered: any is accepted
    webhook_url: str | None = None
    receipt_batch: int = 1  # receipts in one post at most
    receipt_batch_limit: int = 1000  # the provider's own
    receipt_wait: float = (
        0.2  # seconds that a post waits for more of them, where it takes more than one
    )
    receipt_delay: float = 0.0  # seconds from a delivery to its receipt
    trickle: float = (
        0.0  # seconds over which the receipts of `trickle_share` of the recipients are spread
    )
    trickle_share: float = 0.5
    rate_limit: int = 0  # calls per minute; 0: no limit
    report_interval: float = 5.0  # seconds between two polls, where the provider wants some
    agent_id: str | None = None  # the application's number, where calls name one; None: any
    callback_token: str | None = None  # with these a callback is signed and encrypted
    encoding_aes_key: str | None = None
    templates: str | None = (
        None  # what templates there are, with the names of their values; None: any
    )
    token_life: float = 7200.0  # seconds for which an access token is good, where calls want one
    access_token: str = ""
    token_ends: float = 0.0
    connections: int = 0  # that may be open at once (cmpp); 0: no limit
    consecutive_ids: int = (
        0  # 1: each number of a SUBMIT has an id of its own, one after another (cmpp)
    )
    other_connection: int = (
        0  # 1: reports come on another connection than the message went on (cmpp)
    )
    report_bytes: int = 0  # 60 or 71, whatever the version; 0: as the version has it (cmpp)
    answer_delay: float = 0.0  # seconds until a SUBMIT is answered (cmpp)
    unread: deque[Event] = field(
        default_factory=lambda: deque(maxlen=100_000)
    )  # receipts that wait to be polled
    replies: deque[Event] = field(
        default_factory=lambda: deque(maxlen=10_000)
    )  # what people wrote back, that waits to be polled
    last_report: float = 0.0
    last_reply: float = 0.0
    _trickled: int = 0
    _minute: tuple[int, int] = (0, 0)

    def delay(self) -> float:
        """Seconds until the next recipient's receipt; evenly spread for the share that trickles in."""
        if not self.trickle:
            return self.receipt_delay
        self._trickled += 1
        turn = self._trickled * self.trickle_share
        if int(turn) == int(turn - self.trickle_share):
            return self.receipt_delay
        return self.receipt_delay + self.trickle * (self._trickled * GOLDEN % 1)

    def seconds_to_wait(self) -> int:
        """Counts a call; more than 0 when the limit of this minute is used up."""
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
}
WHOLE = frozenset(
    {
        "receipt_batch",
        "rate_limit",
        "connections",
        "consecutive_ids",
        "other_connection",
        "report_bytes",
    }
)


class Accounts:
    """`defaults`: for each provider that has accounts, the settings that differ from those above."""

    def __init__(self, defaults: Mapping[str, Mapping[str, Any]]) -> None:
        self._defaults = defaults
        self._accounts: dict[tuple[str, str], Account] = {}

    def get(self, provider: str, app_key: str) -> Account:
        """Any account exists; only registered ones have a secret that is checked and can have a webhook."""
        account = self._accounts.get((provider, app_key))
        if account is None:
            account = Account(provider, app_key, **self._defaults[provider])
            self._accounts[provider, app_key] = account
        return account

    def register(self, raw: Mapping[str, Any]) -> Account:
        """Sets an account anew; what is not named gets its default, and its access token ends. Raises ValueError with a text for people."""
        provider, app_key = raw.get("provider"), raw.get("app_key")
        if provider not in self._defaults:
            raise ValueError(f"provider must be one of {', '.join(self._defaults)}")
        if not isinstance(app_key, str) or not app_key or ":" in app_key:
            raise ValueError("app_key must be a text without a colon")
        unknown = sorted(set(raw) - {"provider", "app_key", "verify", *TEXTS, *NUMBERS})
        if unknown:
            raise ValueError(f"{unknown[0]} is not a setting")
        settings = {**self._defaults[str(provider)], **_checked(raw)}
        account = self.get(str(provider), app_key)
        if settings.get("receipt_batch", 1) > account.receipt_batch_limit:
            raise ValueError(f"receipt_batch must be at most {account.receipt_batch_limit}")
        for item in fields(Account):
            if item.name in TEXTS or item.name in NUMBERS:
                setattr(account, item.name, settings.get(item.name, item.default))
        account.token_ends = 0.0
        return account

    def clear(self) -> None:
        """Forget what waits to be polled, not who is registered."""
        for account in self._accounts.values():
            account.unread.clear()
            account.replies.clear()
            account.last_report = account.last_reply = 0.0


def _checked(raw: Mapping[str, Any]) -> dict[str, Any]:
    settings = {name: raw[name] for name in (*TEXTS, *NUMBERS) if raw.get(name) is not None}
    for name, value in settings.items():
        if name in TEXTS:
            if not isinstance(value, str) or not value:
                raise ValueError(f"{name} must be a text")
            continue
        low, high = NUMBERS[name]
        whole = name in WHOLE
        if (
            isinstance(value, bool)
            or not isinstance(value, int if whole else (int, float))
            or not low <= value <= high
        ):
            raise ValueError(f"{name} must be a number from {low} to {high}")
    if "webhook_url" in settings and not is_local(settings["webhook_url"]):
        raise ValueError("webhook_url must be an http(s) address of this machine")
    return settings


def is_local(url: str) -> bool:
    """Whether a URL leads to this machine: the sandbox never calls any other."""
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
        return host == "localhost" or host.endswith(
            ".localhost"
        )  # RFC 6761: names under localhost are loopback
