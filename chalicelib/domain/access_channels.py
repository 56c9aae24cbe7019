"""Access channels: business lines that send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from chalicelib.domain.records import Kind
from chalicelib.domain.values import frozen


@frozen
class AccessChannel:
    """A business line that sends: the tenant of everything it sends."""

    key: str
    name: str
    secret_hashes: tuple[str, ...] = field(repr=False)
    # code of an authorised delivery channel -> enabled
    channels: Mapping[str, bool] = field(default_factory=dict)
    enabled: bool = True
    restricted: bool = False  # to users that have a binding of its own
    # may change what is bound to all, None: unless it is restricted
    changes_all: bool | None = None
    rate: int | None = None  # requests a second, None: the deployment's default
    # hash of an older secret -> until when (ms) it works
    retiring: Mapping[str, int] = field(default_factory=dict, repr=False)
    # stem of a rule in domain/rules/ -> its settings as that module stores them, absent: not used
    rules: Mapping[str, Any] = field(default_factory=dict, repr=False)
    version: int = 1

    @property
    def may_change_all(self) -> bool:
        return not self.restricted if self.changes_all is None else self.changes_all

    def hashes(self, now: int) -> tuple[str, ...]:
        """Return the hashes of the secrets that work now."""
        retiring = (digest for digest, until in self.retiring.items() if now < until)
        return (*self.secret_hashes, *retiring)

    def enabled_codes(self) -> tuple[str, ...]:
        return tuple(sorted(code for code, enabled in self.channels.items() if enabled))


ACCESS_CHANNELS = Kind[AccessChannel](
    "access",
    "access channel",
    key=lambda channel: channel.key,
    unique=lambda channel: channel.name,
    maps=("channels",),  # authorisations of one access channel change at the same time
)
