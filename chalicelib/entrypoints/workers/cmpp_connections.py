"""The connections that the CMPP worker keeps, and the sessions that share them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.provider_io import Account
from chalicelib.ports import Provider, Providers, Session
from chalicelib.providers.sms.cmpp.gateway import Gateway
from chalicelib.providers.sms.cmpp.group_ids import GroupIds
from chalicelib.providers.sms.cmpp.lines import GatewayAccount, Incoming, Line
from chalicelib.providers.sms.cmpp.pace import Pace
from chalicelib.providers.sms.cmpp.provider import Cmpp
from chalicelib.providers.sms.cmpp.session import CmppSession
from chalicelib.providers.sms.cmpp.settings import Settings


class Turn:
    """A lock held while working. `away()` releases it while the thread waits for a gateway."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        with self._lock:
            yield

    @contextmanager
    def away(self) -> Iterator[None]:
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()


class Shared:
    """The worker's Provider, whose sessions share the open connections."""

    def __init__(
        self, cmpp: Cmpp, timeout: float, turn: Turn, take: Callable[[Incoming], None]
    ) -> None:
        self.capabilities = cmpp.capabilities
        self.check_credentials, self.check_content = cmpp.check_credentials, cmpp.check_content
        self.webhook_secret, self.read_webhook = cmpp.webhook_secret, cmpp.read_webhook
        self._cmpp, self._timeout, self._turn, self._take = cmpp, timeout, turn, take
        self.gateways: dict[Line, Gateway] = {}
        self.channels: dict[str, Settings] = {}
        self._group_ids: dict[GatewayAccount, GroupIds] = {}
        self._former: dict[GatewayAccount, dict[str, Settings]] = {}
        self._paces: dict[str, Pace] = {}

    @contextmanager
    def connect(self, account: Account) -> Iterator[Session]:
        gateway = self.keep(account)
        settings, pace = self.channels[account.code], self._paces[account.code]
        yield CmppSession(gateway, settings, self._timeout, self._turn.away, pace=pace)

    def keep(self, account: Account) -> Gateway:
        """Return the account's open connections, or open new ones if its settings have changed.

        Channels of one account share them. The old ones may finish what they began.
        """
        settings = self._cmpp.settings(account)
        before, line = self.channels.get(account.code), settings.line
        self.channels[account.code] = settings
        if before is None or before.rate != settings.rate:
            self._paces[account.code] = Pace(settings.rate)
        group_ids = self._group_ids.setdefault(line.account, GroupIds())
        group_ids.know(settings.group_ids)
        if line not in self.gateways:
            self.gateways[line] = self._cmpp.gateway(account.code, line, self._take, group_ids)
            self.gateways[line].start()
        if before is not None and before.line != line:
            self._leave(account.code, before)
        return self.gateways[line]

    def drop(self, code: str) -> None:
        """Forget a channel."""
        settings = self.channels.pop(code, None)
        if settings is not None:
            self._leave(code, settings)

    def _leave(self, code: str, before: Settings) -> None:
        """Close connections that no channel uses, after the time for what they began.

        Until then, and where other channels share the account, reports of the channel still come.
        """
        line = before.line
        self._former.setdefault(line.account, {})[code] = before
        if all(settings.line != line for settings in self.channels.values()):
            later = threading.Timer(2 * self._timeout, self.gateways.pop(line).stop)
            later.daemon = True
            later.start()

    def channels_of(self, account: GatewayAccount) -> Mapping[str, Settings]:
        """Return the channels that send over an account. Its reports come on any connection."""
        return {
            code: settings
            for code, settings in sorted(self.channels.items())
            if settings.line.account == account
        }

    def senders_of(self, account: GatewayAccount) -> Mapping[str, Settings]:
        """Return the channels that send over an account, or have sent over it."""
        return {**self._former.get(account, {}), **self.channels_of(account)}

    def stop(self) -> None:
        for gateway in self.gateways.values():
            gateway.stop()


class ProvidersOfWorker:
    """All providers, with the worker's provider in its place."""

    def __init__(self, others: Providers, shared: Provider) -> None:
        self._others, self._shared = others, shared

    def of(self, platform: str) -> Provider:
        is_shared = platform == self._shared.capabilities.platform
        return self._shared if is_shared else self._others.of(platform)

    def platforms(self, channel_type: ChannelType) -> Sequence[str]:
        return self._others.platforms(channel_type)
